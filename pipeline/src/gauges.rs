//! What a database and the roads of a process stand at, told to the metrics every few seconds by each process.

use std::time::Duration;

use metrics::gauge;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::parked;

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

/// Tells until told to stop. What is away now is told next time.
pub async fn tell(pool: PgPool, health: Health, own: &'static [Gauge], stop: CancellationToken) {
    loop {
        let told = async {
            roads(&health);
            let told = async {
                set_aside(&pool).await?;
                stopped_streams(&pool).await?;
                for gauge in own {
                    of_service(&pool, gauge).await?;
                }
                Ok::<_, sqlx::Error>(())
            };
            if let Err(error) = told.await {
                tracing::debug!(%error, "the figures cannot be read now");
            }
            tokio::time::sleep(EVERY).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = told => {}
        }
    }
}

/// Whether each road of this process is open.
fn roads(health: &Health) {
    for (road, open) in health.roads() {
        gauge!("tributary_road_open", "road" => road).set(if open { 1.0 } else { 0.0 });
    }
    let waits = health.batches().is_some();
    gauge!("tributary_batches_waiting").set(if waits { 1.0 } else { 0.0 });
}

/// How many messages are set aside, and how long the oldest has been, by state.
async fn set_aside(pool: &PgPool) -> Result<(), sqlx::Error> {
    let counts = parked::counts(pool).await?;
    for state in parked::State::ALL {
        let found = counts.iter().find(|(name, ..)| name == state.name());
        let (count, age) = found.map_or((0, 0), |(_, count, age)| (*count, *age));
        gauge!("tributary_parked_messages", "state" => state.name()).set(figure(count));
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        gauge!("tributary_parked_oldest_seconds", "state" => state.name()).set(age.as_secs_f64());
    }
    Ok(())
}

/// How many streams stand still until an operator acts.
async fn stopped_streams(pool: &PgPool) -> Result<(), sqlx::Error> {
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
