//! `pipeline.process`: which processes of this service run, and which died.

use sqlx::PgPool;
use uuid::Uuid;

/// What the sessions of a process call themselves at the database, by which others see that it lives.
pub fn session_name(service: &str, process: Uuid) -> String {
    format!("{service}/{process}")
}

/// Notes that this process starts, and returns how many died since somebody looked. One whose sessions are all cut just
/// now counts as dead too: then messages are handled one by one for a moment, no more.
pub async fn begin(
    pool: &PgPool,
    service: &str,
    process: Uuid,
    mode: &str,
) -> Result<u64, sqlx::Error> {
    let died = sqlx::query(
        "DELETE FROM pipeline.process p
          WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                             WHERE a.datname = current_database() AND a.application_name = $1 || '/' || p.id)",
    )
    .bind(service)
    .execute(pool)
    .await?
    .rows_affected();
    sqlx::query("INSERT INTO pipeline.process VALUES ($1, $2)")
        .bind(process)
        .bind(mode)
        .execute(pool)
        .await?;
    Ok(died)
}

/// Notes that this process stops by itself.
pub async fn end(pool: &PgPool, process: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM pipeline.process WHERE id = $1")
        .bind(process)
        .execute(pool)
        .await?;
    Ok(())
}
