//! `reversals`: what refunds took back.

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgPool};

/// A row as it stands.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct ReversalRow {
    /// Of which commission.
    pub commission_id: String,
    /// The position of its event in the log.
    pub position: i64,
    /// Minor units taken back.
    pub amount_minor: i64,
    /// Minor units taken back so far, this included.
    pub reversed_total_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Whether the commission was still on hold.
    pub pending: bool,
    /// When, in microseconds.
    pub reversed_at: i64,
}

/// Adds reversals: they are few beside commissions, so their rows travel as one JSON.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    rows: &[ReversalRow],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO reversals SELECT * FROM jsonb_populate_recordset(null::reversals, $1)",
    )
    .bind(Json(rows))
    .execute(connection)
    .await?;
    Ok(())
}

/// What was taken back of one commission, oldest first: of more than 1,000 times the last.
pub async fn of_commission(pool: &PgPool, id: &str) -> Result<Vec<ReversalRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM (SELECT * FROM reversals WHERE commission_id = $1 ORDER BY position DESC LIMIT 1000) newest
          ORDER BY position",
    )
    .bind(id)
    .fetch_all(pool)
    .await
}
