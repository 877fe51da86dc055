//! `webhook_attempts`: each time that something was sent.

use sqlx::{FromRow, PgExecutor};
use types::Uuid;

/// The attempts of one delivery that are shown: the last ones.
const MAX_SHOWN: i64 = 100;

/// A row as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    /// When it began.
    pub attempted_at: i64,
    pub took_ms: i64,
    pub status: Option<i32>,
    pub answer: Option<String>,
    pub error: Option<String>,
}

/// Those of a delivery, the last first. A row has when its attempt ended.
pub(crate) async fn of(
    executor: impl PgExecutor<'_>,
    delivery: Uuid,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT attempted_at - took_ms * 1000 AS attempted_at, took_ms, status, answer, error FROM webhook_attempts
          WHERE delivery_id = $1 ORDER BY attempt DESC LIMIT $2",
    )
    .bind(delivery)
    .bind(MAX_SHOWN)
    .fetch_all(executor)
    .await
}
