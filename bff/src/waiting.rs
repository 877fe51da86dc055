//! `Prefer: wait`: holds answers until outcomes are projected, by one query for all who wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::auth::Caller;
use chassis::http::{Holder, Shares};
use messaging::FlowSender;
use runtime::Host;
use sqlx::PgPool;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::outcomes;

/// An outcome may be projected by another replica, which can notify nobody here.
const TICK: Duration = Duration::from_millis(100);
/// Outcomes are announced just before their transaction commits.
pub(crate) const COMMIT: Duration = Duration::from_millis(4);

/// Requests that are held at once: half of what a service answers at once, so that those who wait never keep out those who
/// do not, and of one subject its share. Beyond it a preference is not honoured.
pub(crate) const MAX_WAITING: usize = 512;

/// Notified by the projections of this process when outcomes are about to commit. Of the process rather than of one
/// service in it: an announcement too many costs one look.
pub(crate) static PROJECTED: Notify = Notify::const_new();

type Waiters = HashMap<Uuid, Vec<oneshot::Sender<()>>>;

/// Who waits for which command.
#[derive(Clone)]
pub(crate) struct Waiting(Arc<Inner>);

struct Inner {
    waiters: Mutex<Waiters>,
    joined: Notify,
    flow: FlowSender,
    stop: CancellationToken,
    room: Arc<Shares>,
}

impl Waiting {
    /// Starts the look-out.
    pub(crate) fn start(host: &Host) -> Self {
        let waiting = Self(Arc::new(Inner {
            waiters: Mutex::default(),
            joined: Notify::new(),
            flow: host.flow().clone(),
            stop: host.tasks().stop().clone(),
            room: Shares::new(MAX_WAITING, host.limits().share_percent),
        }));
        let looking_out = waiting.clone().look_out(host.pool().clone());
        host.tasks().spawn("waiting", looking_out);
        waiting
    }

    /// Waits until the command ended, the time is up or the service stops; which of them, the database knows. False when
    /// too many wait already.
    pub(crate) async fn wait(&self, command: Uuid, caller: &Caller, longest: Duration) -> bool {
        let holders = Holder::of(caller);
        let Some(_room) = self.0.room.take(holders) else {
            return false;
        };
        let _hurry = self.0.flow.hurry();
        let (done, ended) = oneshot::channel();
        self.lock().entry(command).or_default().push(done);
        self.0.joined.notify_one();
        tokio::select! {
            _ = ended => {}
            () = tokio::time::sleep(longest) => {}
            () = self.0.stop.cancelled() => {}
        }
        true
    }

    async fn look_out(self, pool: PgPool) {
        let stop = &self.0.stop;
        while !stop.is_cancelled() {
            let commands = self.waited_for();
            if commands.is_empty() {
                tokio::select! {
                    () = self.0.joined.notified() => {}
                    () = stop.cancelled() => return,
                }
                continue;
            }
            let projected = PROJECTED.notified();
            match messaging::answered(outcomes::ended(&pool, &commands)).await {
                Ok(ended) => self.notify(&ended),
                Err(error) => {
                    tracing::warn!(%error, "cannot look for outcomes that are waited for");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = projected => tokio::time::sleep(COMMIT).await,
                () = stop.cancelled() => return,
            }
        }
    }

    /// Forgets who went away, and lists the rest.
    fn waited_for(&self) -> Vec<Uuid> {
        let mut waiters = self.lock();
        waiters.retain(|_, of_one| {
            of_one.retain(|waiter| !waiter.is_closed());
            !of_one.is_empty()
        });
        waiters.keys().copied().collect()
    }

    fn notify(&self, ended: &[Uuid]) {
        let mut waiters = self.lock();
        for waiter in ended.iter().filter_map(|id| waiters.remove(id)).flatten() {
            let _gone_by_now = waiter.send(());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiters> {
        self.0
            .waiters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::stream::FuturesUnordered;
    use runtime::testing::TestService;
    use schemas::Service;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn caller(subject: &str) -> Caller {
        let subject = subject.to_owned();
        Caller {
            subject,
            ..Caller::local_operator()
        }
    }

    impl Waiting {
        async fn wait_as(&self, subject: &str, longest: Duration) -> bool {
            self.wait(Uuid::now_v7(), &caller(subject), longest).await
        }
    }

    #[tokio::test]
    async fn one_subject_has_the_share_that_is_set_and_the_local_operator_all_there_is() {
        let database = runtime::testing::unmade_database();
        let mut variables = runtime::testing::variables(Service::Bff, &database);
        variables.insert("HTTP_SUBJECT_SHARE_PERCENT".to_owned(), "50".to_owned());
        let app = TestService::start_with(crate::define, variables).await;
        let waiting = Waiting::start(&app.host);
        let local = Caller::local_operator().subject;
        for (subject, share) in [("a", MAX_WAITING / 2), (&local, MAX_WAITING)] {
            let mut held: FuturesUnordered<_> =
                (0..share).map(|_| waiting.wait_as(subject, LONG)).collect();
            tokio::select! {
                biased;
                _ = held.next() => panic!("{subject} has less than its share"),
                waited = waiting.wait_as(subject, LONG) => assert!(!waited, "{subject}"),
            }
        }
    }

    #[tokio::test]
    async fn so_many_may_wait_and_no_more_until_one_has_gone() {
        let app = TestService::start(crate::define).await;
        let waiting = Waiting::start(&app.host);
        let wait = |subject, longest| waiting.wait_as(subject, longest);
        let of = |subject, count| (0..count).map(move |_| wait(subject, LONG));
        let share = MAX_WAITING / 4;
        let mut held: FuturesUnordered<_> = of("a", share).collect();
        tokio::select! {
            biased;
            _ = held.next() => panic!("nothing ended yet"),
            waited = wait("a", LONG) => assert!(!waited, "one subject has its share"),
        }
        held.extend(
            ["b", "c"]
                .into_iter()
                .flat_map(|subject| of(subject, share)),
        );
        held.extend(of("d", share - 1));
        held.push(wait("d", Duration::from_millis(300)));
        tokio::select! {
            biased;
            _ = held.next() => panic!("nothing ended yet"),
            waited = wait("e", LONG) => assert!(!waited, "too many wait"),
        }
        assert_eq!(held.next().await, Some(true), "one has waited long enough");
        assert!(
            wait("e", Duration::from_millis(1)).await,
            "its place is free"
        );
    }
}
