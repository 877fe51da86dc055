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
    // One statement: whoever died is forgotten only when somebody else is there to be careful instead. Begun again after a
    // broken connection it finds itself, and is careful: it cannot know whom it had found.
    sqlx::query_scalar(
        "WITH died AS (
           DELETE FROM pipeline.process p
            WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                               WHERE a.datname = current_database() AND a.application_name = $1 || '/' || p.id)
            RETURNING 1),
         again AS (SELECT 1 FROM pipeline.process WHERE id = $2),
         begun AS (INSERT INTO pipeline.process VALUES ($2, $3) ON CONFLICT (id) DO NOTHING)
         SELECT (SELECT count(*) FROM died) + (SELECT count(*) FROM again)",
    )
    .bind(service)
    .bind(process)
    .bind(mode)
    .fetch_one(pool)
    .await
    .map(|count: i64| u64::try_from(count).unwrap_or(0))
}

/// Notes that this process stops by itself.
pub async fn end(pool: &PgPool, process: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM pipeline.process WHERE id = $1")
        .bind(process)
        .execute(pool)
        .await?;
    Ok(())
}
