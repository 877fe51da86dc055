//! What a database and the transports of a process stand at, reported as metrics every few seconds by each process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::begin::answered;
use crate::health::Health;
use crate::retry_queue;

const EVERY: Duration = Duration::from_secs(5);
/// A topic of which nothing was handled for so long is not followed here any more, or has nothing: longer than any batch lasts.
const IDLE: Duration = Duration::from_mins(1);

/// When something of each topic was last handled in this process.
static HANDLED: Mutex<BTreeMap<&'static str, Instant>> = Mutex::new(BTreeMap::new());

/// A figure of a service's own tables.
#[derive(Debug, Clone, Copy)]
pub struct Gauge {
    /// Its name in the metrics.
    pub name: &'static str,
    /// The name of its label.
    pub label: &'static str,
    /// Asks for rows of a text, the label's value, and a `bigint`; each value that may be looked for has a row.
    pub sql: &'static str,
}

/// Reports until stopped. What is away now is reported next time.
pub async fn report(pool: PgPool, health: Health, own: &'static [Gauge], stop: CancellationToken) {
    let (mut gaps, mut known) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let reporting = async {
            transports(&health, &mut known);
            idle_topics(Instant::now());
            open_gaps(&health, &mut gaps);
            if let Err(error) = of_database(&pool, &health, own).await {
                tracing::debug!(%error, "the figures cannot be read now");
            }
            tokio::time::sleep(EVERY).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = reporting => {}
        }
    }
}

/// Figures that the database has, and whether it answers at all: an idle service finds out by nothing else.
async fn of_database(pool: &PgPool, health: &Health, own: &[Gauge]) -> Result<(), sqlx::Error> {
    let looked = answered(sqlx::query("SELECT").execute(pool)).await;
    let away = if looked.is_err() { 1.0 } else { 0.0 };
    gauge!("tributary_database_away").set(away);
    looked?;
    answered(retry_queue_sizes(pool)).await?;
    answered(halted_streams(pool, health)).await?;
    for gauge in own {
        answered(of_service(pool, gauge)).await?;
    }
    Ok(())
}

/// How old a message of a topic was when it was handled.
pub(crate) fn handled(topic: &'static str, behind: Duration) {
    let mut handled = HANDLED.lock().unwrap_or_else(PoisonError::into_inner);
    handled.insert(topic, Instant::now());
    gauge!("tributary_watermark_lag_seconds", "topic" => topic).set(behind.as_secs_f64());
}

/// A topic of which nothing is handled here is not behind here.
fn idle_topics(now: Instant) {
    let mut handled = HANDLED.lock().unwrap_or_else(PoisonError::into_inner);
    for topic in take_idle(&mut handled, now) {
        gauge!("tributary_watermark_lag_seconds", "topic" => topic).set(0.0);
    }
}

fn take_idle(handled: &mut BTreeMap<&'static str, Instant>, now: Instant) -> Vec<&'static str> {
    let idle = handled.extract_if(.., |_, at| now.saturating_duration_since(*at) >= IDLE);
    idle.map(|(topic, _)| topic).collect()
}

/// Whether each transport of this process is open. One that it travels no more is none that is closed.
fn transports(health: &Health, known: &mut BTreeMap<String, bool>) {
    for open in known.values_mut() {
        *open = true;
    }
    known.extend(health.transports());
    for (transport, open) in known {
        let open = if *open { 1.0 } else { 0.0 };
        gauge!("tributary_transport_open", "transport" => transport.clone()).set(open);
    }
    let waits = health.batches().is_some();
    gauge!("tributary_batches_waiting").set(if waits { 1.0 } else { 0.0 });
}

/// How many streams of each topic stand at a gap; a topic that had one goes on to be reported.
fn open_gaps(health: &Health, known: &mut BTreeMap<&'static str, i64>) {
    for count in known.values_mut() {
        *count = 0;
    }
    for gap in health.gaps() {
        *known.entry(gap.stream.topic.name()).or_default() += 1;
    }
    for (topic, count) in known {
        gauge!("tributary_open_stream_gaps", "topic" => *topic).set(figure(*count));
    }
}

/// How many messages are in the retry queue, and how long the oldest has been, by state.
async fn retry_queue_sizes(pool: &PgPool) -> Result<(), sqlx::Error> {
    let counts = retry_queue::counts(pool).await?;
    for state in retry_queue::State::ALL {
        let found = counts.iter().find(|(name, ..)| name == state.name());
        let (count, age) = found.map_or((0, 0), |(_, count, age)| (*count, *age));
        gauge!("tributary_parked_messages", "state" => state.name()).set(figure(count));
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        gauge!("tributary_parked_oldest_seconds", "state" => state.name()).set(age.as_secs_f64());
    }
    Ok(())
}

/// How many streams stand still until an operator acts: those that the service follows, and those that this process sends.
async fn halted_streams(pool: &PgPool, health: &Health) -> Result<(), sqlx::Error> {
    let count = sqlx::query_scalar("SELECT count(*) FROM pipeline.stopped_stream");
    let followed: i64 = count.fetch_one(pool).await?;
    let sent = i64::try_from(health.stopped_sends()).unwrap_or(i64::MAX);
    gauge!("tributary_stopped_streams").set(figure(followed.saturating_add(sent)));
    Ok(())
}

async fn of_service(pool: &PgPool, own: &Gauge) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(own.sql).fetch_all(pool).await?;
    for (value, count) in rows {
        gauge!(own.name, own.label => value).set(figure(count));
    }
    Ok(())
}

fn figure(count: i64) -> f64 {
    f64::from(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_topic_of_which_nothing_is_handled_for_a_minute_is_said_once_not_to_be_behind() {
        let began = Instant::now();
        let mut handled = BTreeMap::from([("rare", began), ("busy", began + IDLE)]);
        let second = Duration::from_secs(1);
        assert!(take_idle(&mut handled, began + IDLE - second).is_empty());
        assert_eq!(take_idle(&mut handled, began + IDLE), ["rare"]);
        assert!(take_idle(&mut handled, began + IDLE).is_empty());
        assert_eq!(take_idle(&mut handled, began + IDLE * 2), ["busy"]);
    }
}
