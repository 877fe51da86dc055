//! Jobs: what only the leader of a service runs, such as timers and payouts. Due times are columns of aggregates; what is due
//! becomes commands, whose ids derive from aggregate, job and due time, so that firing twice is a duplicate.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Body, Header, Message, Service};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{Micros, Uuid};

use crate::clock::Looked;
use crate::inbound::{Answer, Inbound};
use crate::queue::FlowSender;
use crate::sqlstate;

/// How often a job looks for what is due.
#[derive(Clone, Copy)]
struct Pace {
    /// While there is something to do: what a person or a provider sets going has several steps.
    lively: Duration,
    /// While there is nothing, unless something is committed.
    idle: Duration,
}

/// While there is something to do.
const LIVELY_PACE: Duration = Duration::from_millis(250);
/// For a job's [`Job::IDLE`]: what is due becomes so by a commit alone, which wakes it.
pub const BY_COMMIT: Duration = Duration::from_secs(10);
/// After a commit of this service, or something that was due, there may be more soon.
const LIVELY: Duration = Duration::from_secs(2);
/// A step that took so long had something to do.
const LONG: Duration = Duration::from_millis(50);
/// What was passed is looked at again so often, and once all behind it was: it may be gone, and something that is due before it have come.
const LOOK_BACK: Duration = Duration::from_secs(10);

/// What only the leader does, a step at a time.
pub trait Job: Send + Sync + 'static {
    /// For logs.
    const NAME: &'static str;
    /// How often it looks while there is nothing to do, unless something is committed: as late may be what is due by time.
    const IDLE: Duration = Duration::from_secs(2);

    /// Does a step of its work, if it has any of its own, and returns commands for what is due, oldest first, a bounded number
    /// of them behind the first `passed`, which are known and stay due: they must not take the place of what comes behind them.
    fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> impl Future<Output = Result<Vec<Message>, sqlx::Error>> + Send;
}

/// A service's own command about what is due, which is its key and its subject. Nobody's request led to it: it begins a
/// correlation of its own.
pub fn timer_command(
    service: Service,
    kind: &'static str,
    id: Uuid,
    subject: String,
    now: Micros,
    body: impl Into<Body>,
) -> Message {
    Message {
        header: Header {
            id,
            kind: kind.to_owned(),
            source: service.name().to_owned(),
            key: subject.clone(),
            subject,
            time: now,
            epoch: None,
            sequence: None,
            correlation_id: id,
            causation_id: None,
            outcome_of: None,
            actor: None,
            traceparent: None,
        },
        body: body.into(),
    }
}

/// Fires until stopped. Run it under the relay's lock, or several processes do the same work. `committed` changes with every
/// commit to the database: what is due because of one is found soon. The time follows from the last look at the log's head.
pub async fn run<J: Job>(
    job: Arc<J>,
    pool: PgPool,
    flow: FlowSender,
    mut committed: watch::Receiver<i64>,
    looked: watch::Receiver<Looked>,
    stop: CancellationToken,
) {
    let pace = Pace {
        lively: LIVELY_PACE,
        idle: J::IDLE,
    };
    let mut passed = 0;
    let mut began = Instant::now();
    let mut looked_back = began;
    let mut fired_any = false;
    let mut lively_until = began + LIVELY;
    loop {
        if !fired_any {
            tokio::select! {
                () = stop.cancelled() => return,
                () = rest(pace, &mut committed, lively_until) => {}
            }
        }
        if committed.has_changed().unwrap_or(false) {
            committed.mark_unchanged();
            lively_until = Instant::now() + LIVELY;
        }
        let began_look = Instant::now();
        let last_known = looked.borrow().now_at_least();
        let looks_back = passed > 0 && looked_back.elapsed() >= LOOK_BACK;
        let from = if looks_back { 0 } else { passed };
        let fired = tokio::select! {
            () = stop.cancelled() => return,
            fired = fire(&*job, &pool, &flow, from, last_known) => fired,
        };
        let fired = fired.unwrap_or_else(|error| {
            sqlstate::note(&error);
            tracing::warn!(job = J::NAME, %error, "what is due cannot be read now");
            Fired::default()
        });
        fired_any = fired.any;
        if looks_back {
            looked_back = Instant::now();
            // Else what was passed is there yet, as far as this tells.
            if !fired.all_known() {
                passed = 0;
            }
        } else {
            passed += fired.known;
        }
        if fired.due > 0 || began_look.elapsed() >= LONG {
            lively_until = Instant::now() + LIVELY;
        }
        if fired.due == 0 && began.elapsed() >= LOOK_BACK {
            passed = 0;
            began = Instant::now();
        }
    }
}

/// Until it is to look again.
async fn rest(pace: Pace, committed: &mut watch::Receiver<i64>, lively_until: Instant) {
    tokio::time::sleep(pace.lively).await;
    if Instant::now() >= lively_until {
        let idle = tokio::time::sleep(pace.idle.saturating_sub(pace.lively));
        tokio::select! {
            () = idle => {}
            // An error means that nobody commits here any more.
            Ok(()) = committed.changed() => committed.mark_changed(),
        }
    }
}

/// What came of what was due.
#[derive(Debug, Default)]
struct Fired {
    /// So much was due.
    due: usize,
    /// Something was handled.
    any: bool,
    /// So many commands were known: in the retry queue, or ended without an effect. They stay due, and firing does not help
    /// them.
    known: i64,
}

impl Fired {
    /// Whether there was something, and nothing but what is known.
    fn all_known(&self) -> bool {
        self.due > 0 && usize::try_from(self.known) == Ok(self.due)
    }
}

async fn fire<J: Job>(
    job: &J,
    pool: &PgPool,
    flow: &FlowSender,
    passed: i64,
    last_known: Option<Micros>,
) -> Result<Fired, sqlx::Error> {
    let now = match last_known {
        Some(now) => now,
        None => now(pool).await?,
    };
    let due = job.due(pool, now, passed).await?;
    if due.is_empty() {
        return Ok(Fired::default());
    }
    let due = due.into_iter().filter_map(command).collect();
    let Ok(done) = flow.send(due).await else {
        return Ok(Fired::default());
    };
    let answers = done.await.unwrap_or_default();
    // What went to the retry queue stays due until it is handled: looking again at once would only find it again.
    let handled = |answer: &Answer| matches!(answer, Answer::Done(_) | Answer::Rejected { .. });
    let known = answers.iter().filter(|it| matches!(it, Answer::Repeated));
    Ok(Fired {
        due: answers.len(),
        any: answers.iter().any(handled),
        known: i64::try_from(known.count()).unwrap_or(i64::MAX),
    })
}

/// On its way in: on the topic of its kind.
fn command(message: Message) -> Option<Inbound> {
    let Some(kind) = schemas::kind(&message.header.kind) else {
        tracing::error!(kind = message.header.kind, "a job's command is of no kind");
        return None;
    };
    Some(Inbound::local(kind.topic, message, None))
}

/// The time by which a database decides, tests' offset included, as a part of a statement.
#[macro_export]
macro_rules! sql_now {
    () => {
        "(SELECT greatest(last_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset) FROM pipeline.log_head)"
    };
}

/// The time by which this database decides.
pub async fn now(pool: &PgPool) -> Result<Micros, sqlx::Error> {
    sqlx::query_scalar(concat!("SELECT ", sql_now!()))
        .fetch_one(pool)
        .await
        .map(Micros)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LONG_TIME: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_job_that_rests_looks_again_as_soon_as_something_is_committed() {
        let (sender, mut committed) = watch::channel(0);
        let pace = Pace {
            lively: Duration::from_millis(1),
            idle: LONG_TIME * 60,
        };
        let now = Instant::now();
        let rested = timeout(Duration::from_millis(50), rest(pace, &mut committed, now));
        assert!(rested.await.is_err(), "nothing was committed");
        sender.send(1).unwrap();
        let rested = timeout(LONG_TIME, rest(pace, &mut committed, now)).await;
        assert!(rested.is_ok(), "it goes on resting");
        let lively = timeout(LONG_TIME, rest(pace, &mut committed, now + LONG_TIME));
        assert!(
            lively.await.is_ok(),
            "it rests for long where there may be more soon"
        );
    }
}
