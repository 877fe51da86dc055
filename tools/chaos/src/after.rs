//! After the last fault: time passes, everything settles, and what was meant to stay in the retry queue is named.

use std::time::Duration;

use anyhow::{Context, Result};
use schemas::Service;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::stack::ChaosStack;
use super::strewn::GARBAGE_SOURCE;
use invariants::Records;

/// From the last fault until nothing moves.
const SETTLED_WITHIN: Duration = Duration::from_mins(2);
/// Longer than any hold of the workload, in microseconds.
const HOLDS_END: i64 = 30 * 24 * 3_600 * 1_000_000;

/// Waits until nothing moves; lets every hold end, and waits again. Says what still moves.
pub async fn settle(stack: &ChaosStack, records: &Records) -> Result<Option<String>> {
    stack.ready().await?;
    if let Err(moving) = invariants::settled(records, SETTLED_WITHIN).await {
        return Ok(Some(moving));
    }
    let_holds_end(stack).await.context("letting holds end")?;
    Ok(invariants::settled(records, SETTLED_WITHIN).await.err())
}

/// Commission's clock goes on by more than the longest hold, under its writer lock.
async fn let_holds_end(stack: &ChaosStack) -> Result<()> {
    let url = stack.database_url(Service::Commission)?;
    let mut connection = PgConnection::connect(&url).await?;
    let mut tx = connection.begin().await?;
    sqlx::query(messaging::AdvisoryLock::Log.hold())
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE pipeline.log_head SET clock_offset = clock_offset + $1")
        .bind(HOLDS_END)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(connection.close().await?)
}

/// Messages that could not be read and say that they are ours.
pub async fn meant_for_retry_queue(stack: &ChaosStack) -> Result<Vec<Uuid>> {
    const OURS: &str = "SELECT message_id FROM pipeline.parked WHERE source = $1";
    let mut all = Vec::new();
    for service in Service::ALL {
        let mut connection = PgConnection::connect(&stack.database_url(service)?).await?;
        let found: Vec<Uuid> = sqlx::query_scalar(OURS)
            .bind(GARBAGE_SOURCE)
            .fetch_all(&mut connection)
            .await?;
        connection.close().await?;
        all.extend(found);
    }
    Ok(all)
}
