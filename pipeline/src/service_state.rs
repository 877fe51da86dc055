//! `pipeline.service_state`: how this service ran last.

use sqlx::PgPool;
use uuid::Uuid;

/// What the last run left.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LastRun {
    /// `http`, `event` or `hybrid`; empty before the first.
    pub mode: String,
    /// Whether it stopped by itself.
    pub clean_stop: bool,
    /// Partitions of each topic, as provisioned; 0 before the first.
    pub partitions: i32,
}

/// Notes that the service starts, and returns what the last run left.
pub async fn start(pool: &PgPool, mode: &str, partitions: u32) -> Result<LastRun, sqlx::Error> {
    let last: LastRun =
        sqlx::query_as("SELECT mode, clean_stop, partitions FROM pipeline.service_state")
            .fetch_one(pool)
            .await?;
    sqlx::query("UPDATE pipeline.service_state SET mode = $1, clean_stop = false, partitions = $2")
        .bind(mode)
        .bind(i32::try_from(partitions).unwrap_or(i32::MAX))
        .execute(pool)
        .await?;
    Ok(last)
}

/// Notes that the service stopped by itself.
pub async fn stop(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE pipeline.service_state SET clean_stop = true, trying = NULL, trying_attempts = 0",
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that a message is about to be tried, and returns how often in a row, this time included. An error counts as a
/// first time: the batch itself will tell that the database is away.
pub(crate) async fn trying(pool: &PgPool, id: Uuid) -> i32 {
    let sql = "UPDATE pipeline.service_state
                  SET trying_attempts = CASE WHEN trying = $1 THEN trying_attempts + 1 ELSE 1 END, trying = $1
               RETURNING trying_attempts";
    sqlx::query_scalar(sql)
        .bind(id)
        .fetch_one(pool)
        .await
        .unwrap_or(1)
}
