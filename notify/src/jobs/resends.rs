//! Has ranges of deliveries sent again.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job};
use schemas::Message;
use sqlx::PgPool;
use tokio::time::Instant;
use types::Micros;

use super::STEP;
use crate::store::resends;

/// Deliveries that one step looks at: a range may hold very many, and nothing else is to wait for them.
const AT_ONCE: i64 = 1_000;
/// While so many wait for an endpoint no more are added: far from what gives it up.
const MAX_WAITING: i64 = 10_000;

/// Goes on with one range of each endpoint in turn, a bounded number each time, each step in a transaction of its own beside the writer
/// lock.
#[derive(Debug, Default)]
pub(crate) struct Resends;

impl Job for Resends {
    const NAME: &'static str = "webhook_resends";
    const IDLE: Duration = BY_COMMIT;

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        let mut endpoints = resends::endpoints(pool).await?;
        while !endpoints.is_empty() && began.elapsed() < STEP {
            let mut going_on = Vec::new();
            for endpoint in endpoints {
                if step(pool, &endpoint, now).await? {
                    going_on.push(endpoint);
                }
            }
            endpoints = going_on;
        }
        Ok(Vec::new())
    }
}

/// Goes on for one endpoint. Returns whether there was room, and something to do.
async fn step(pool: &PgPool, endpoint: &str, now: Micros) -> Result<bool, sqlx::Error> {
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    let Some(resend) = resends::next(&mut tx, endpoint, MAX_WAITING).await? else {
        return Ok(false);
    };
    resends::step(&mut tx, &resend, now, AT_ONCE).await?;
    tx.commit().await?;
    Ok(true)
}
