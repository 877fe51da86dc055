//! Takes away what is left of partners that were erased.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job};
use schemas::Message;
use sqlx::PgPool;
use tokio::time::Instant;
use types::Micros;

use super::STEP;
use crate::store::erased;

/// Goes on with them a step at a time, beside the writer lock, since there may be very much of one.
#[derive(Debug, Default)]
pub(crate) struct EraseRest;

impl Job for EraseRest {
    const NAME: &'static str = "erased_partners";
    const IDLE: Duration = BY_COMMIT;

    async fn due(&self, pool: &PgPool, _: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        while began.elapsed() < STEP && step(pool).await? {}
        Ok(Vec::new())
    }
}

/// Goes on with one. Returns whether there may be more.
async fn step(pool: &PgPool) -> Result<bool, sqlx::Error> {
    if !erased::any(pool).await? {
        return Ok(false);
    }
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    let Some(partner) = erased::next(&mut tx).await? else {
        return Ok(false);
    };
    if !erased::step(&mut tx, &[&partner]).await? {
        erased::done(&mut tx, &partner).await?;
    }
    tx.commit().await?;
    Ok(true)
}
