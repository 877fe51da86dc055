//! `closed_campaigns`: those that have ended, while applications to them are under way.

use sqlx::{PgConnection, PgPool};
use types::Micros;

use super::workflows::Ending;

/// Keeps those of these that applications are under way to.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    campaigns: &[String],
    now: Micros,
) -> Result<(), sqlx::Error> {
    if campaigns.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO closed_campaigns (id, closed_at) SELECT DISTINCT campaign_id, $2::bigint FROM workflows
          WHERE campaign_id = ANY($1) AND status = 'running' ON CONFLICT DO NOTHING",
    )
    .bind(campaigns)
    .bind(now.get())
    .execute(connection)
    .await
    .map(|_| ())
}

/// Workflows of applications to them, oldest first.
pub(crate) async fn to_end(
    pool: &PgPool,
    passed: i64,
    most: i64,
) -> Result<Vec<Ending>, sqlx::Error> {
    sqlx::query_as(
        "SELECT w.id, w.correlation_id, c.closed_at AS due_at FROM closed_campaigns c JOIN workflows w ON w.campaign_id = c.id
          WHERE w.status = 'running' ORDER BY w.position OFFSET $1 LIMIT $2",
    )
    .bind(passed)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// Drops those that no application is under way to any more.
pub(crate) async fn forget(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM closed_campaigns c
          WHERE NOT EXISTS (SELECT 1 FROM workflows w WHERE w.campaign_id = c.id AND w.status = 'running')",
    )
    .execute(pool)
    .await
    .map(|_| ())
}
