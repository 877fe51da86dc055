//! What a database and the transports of a process stand at, reported as metrics every few seconds by each process.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::gauge;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::retry_queue;

const EVERY: Duration = Duration::from_secs(5);

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
    let mut gaps = BTreeMap::new();
    loop {
        let reporting = async {
            transports(&health);
            open_gaps(&health, &mut gaps);
            let reporting = async {
                retry_queue_sizes(&pool).await?;
                halted_streams(&pool).await?;
                for gauge in own {
                    of_service(&pool, gauge).await?;
                }
                Ok::<_, sqlx::Error>(())
            };
            if let Err(error) = reporting.await {
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

/// Whether each transport of this process is open.
fn transports(health: &Health) {
    for (transport, open) in health.transports() {
        gauge!("tributary_transport_open", "transport" => transport).set(if open {
            1.0
        } else {
            0.0
        });
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

/// How many streams stand still until an operator acts.
async fn halted_streams(pool: &PgPool) -> Result<(), sqlx::Error> {
    let count = sqlx::query_scalar("SELECT count(*) FROM pipeline.stopped_stream");
    gauge!("tributary_stopped_streams").set(figure(count.fetch_one(pool).await?));
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
