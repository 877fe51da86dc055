//! Timers: due times are columns of aggregates; what is due becomes commands, whose ids derive from aggregate, timer and
//! due time, so that firing twice is a duplicate.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use money::Micros;
use schemas::{Message, Topic};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::inbound::{Answer, Inbound};
use crate::queue::Inlet;

const POLL: Duration = Duration::from_millis(250);

/// One kind of timer.
pub trait Timer: Send + Sync + 'static {
    /// For logs.
    const NAME: &'static str;

    /// Commands for what is due, oldest first, a bounded number of them.
    fn due(
        &self,
        pool: &PgPool,
        now: Micros,
    ) -> impl Future<Output = Result<Vec<Message>, sqlx::Error>> + Send;
}

/// Fires until told to stop. Run it under the relay's lock, or several processes do the same work.
pub async fn run<T: Timer>(
    timer: Arc<T>,
    pool: PgPool,
    inlet: Inlet,
    commands: Topic,
    stop: CancellationToken,
) {
    let mut fired_any = false;
    loop {
        if !fired_any {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        let fired = tokio::select! {
            () = stop.cancelled() => return,
            fired = fire(&*timer, &pool, &inlet, commands) => fired,
        };
        fired_any = fired.unwrap_or_else(|error| {
            tracing::warn!(timer = T::NAME, %error, "what is due cannot be read now");
            false
        });
    }
}

async fn fire<T: Timer>(
    timer: &T,
    pool: &PgPool,
    inlet: &Inlet,
    commands: Topic,
) -> Result<bool, sqlx::Error> {
    let due = timer.due(pool, now(pool).await?).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let due = due
        .into_iter()
        .map(|message| Inbound::local(commands, message, None))
        .collect();
    let Ok(done) = inlet.send(due).await else {
        return Ok(false);
    };
    let answers = done.await.unwrap_or_default();
    // What was set aside stays due until it is handled: looking again at once would only find it again.
    let handled = |answer: &Answer| matches!(answer, Answer::Done(_) | Answer::Rejected { .. });
    Ok(answers.iter().any(handled))
}

/// The time by which this database decides, tests' offset included.
pub async fn now(pool: &PgPool) -> Result<Micros, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT greatest(last_time, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset)
           FROM pipeline.log_head",
    )
    .fetch_one(pool)
    .await
    .map(Micros)
}
