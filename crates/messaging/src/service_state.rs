//! `pipeline.service_state`: how this service ran last, whichever of its processes.

use sqlx::PgPool;
use uuid::Uuid;

/// What the last start noted.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LastRun {
    /// `http`, `event` or `hybrid`; empty before the first. It stays what it was until nothing of that mode is left behind.
    pub mode: String,
    /// Partitions of each topic, as provisioned; 0 before the first.
    pub partitions: i32,
}

/// What the last start noted.
pub async fn last_run(pool: &PgPool) -> Result<LastRun, sqlx::Error> {
    sqlx::query_as("SELECT mode, partitions FROM pipeline.service_state")
        .fetch_one(pool)
        .await
}

/// Notes in which mode the service runs, with how many partitions of each topic.
pub async fn note(pool: &PgPool, mode: &str, partitions: u32) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE pipeline.service_state SET mode = $1, partitions = $2")
        .bind(mode)
        .bind(i32::try_from(partitions).unwrap_or(i32::MAX))
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes that a message is about to be tried alone, and returns how often it was, this time included.
pub(crate) async fn trying(pool: &PgPool, id: Uuid) -> Result<i32, sqlx::Error> {
    let sql = "INSERT INTO pipeline.trying VALUES ($1, 1)
               ON CONFLICT (message_id) DO UPDATE SET attempts = trying.attempts + 1 RETURNING attempts";
    sqlx::query_scalar(sql).bind(id).fetch_one(pool).await
}

/// Forgets messages that were tried and killed nobody.
pub(crate) async fn tried(pool: &PgPool, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM pipeline.trying WHERE message_id = ANY($1)")
        .bind(ids)
        .execute(pool)
        .await?;
    Ok(())
}
