//! `Prefer: wait`: holds answers until outcomes are projected, by one query for all who wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use host::Host;
use sqlx::PgPool;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::outcomes;

/// An outcome may be projected by another replica, which can wake nobody here.
const TICK: Duration = Duration::from_millis(100);
/// Outcomes are announced just before their transaction commits.
const COMMIT: Duration = Duration::from_millis(4);

/// Told by the projections of this process when outcomes are about to commit. Of the process rather than of one
/// service in it: an announcement too many costs one look.
pub(crate) static PROJECTED: Notify = Notify::const_new();

type Waiters = HashMap<Uuid, Vec<oneshot::Sender<()>>>;

/// Who waits for which command.
#[derive(Debug, Clone)]
pub(crate) struct Waiting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiters: Mutex<Waiters>,
    joined: Notify,
    stop: CancellationToken,
}

impl Waiting {
    /// Starts the look-out.
    pub(crate) fn start(host: &Host) -> Self {
        let waiting = Self(Arc::new(Inner {
            waiters: Mutex::default(),
            joined: Notify::new(),
            stop: host.tasks().stop().clone(),
        }));
        let looking_out = waiting.clone().look_out(host.pool().clone());
        host.tasks().spawn("waiting", looking_out);
        waiting
    }

    /// Waits until the command ended, the time is up or the service stops; which of them, the database knows.
    pub(crate) async fn wait(&self, command: Uuid, longest: Duration) {
        let (done, ended) = oneshot::channel();
        self.lock().entry(command).or_default().push(done);
        self.0.joined.notify_one();
        tokio::select! {
            _ = ended => {}
            () = tokio::time::sleep(longest) => {}
            () = self.0.stop.cancelled() => {}
        }
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
            match outcomes::ended(&pool, &commands).await {
                Ok(ended) => self.tell(&ended),
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

    fn tell(&self, ended: &[Uuid]) {
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
