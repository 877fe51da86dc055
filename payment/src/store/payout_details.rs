//! `aside.payout_details`: where a payout goes, encrypted, and the request that it belongs to. Erasable.

use sqlx::{PgConnection, PgPool};
use types::{PayoutId, Uuid};

/// The details of a new payout.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) payout: PayoutId,
    pub(crate) details: Vec<u8>,
    /// What they are encrypted with.
    pub(crate) data_key: Vec<u8>,
    pub(crate) correlation_id: Uuid,
    pub(crate) traceparent: Option<String>,
}

/// Keeps the details of new payouts.
pub(crate) async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "aside.payout_details" {
        payout: text = |row| row.payout.as_str(),
        details: bytea = |row| row.details.as_slice(),
        correlation_id: uuid = |row| row.correlation_id,
        traceparent: text = |row| row.traceparent.as_deref(),
        data_key: bytea = |row| row.data_key.as_slice(),
    })
    .await
}

/// Of the request that it began with; none where that was erased.
pub(crate) async fn correlation_id(
    pool: &PgPool,
    payout: &PayoutId,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar("SELECT correlation_id FROM aside.payout_details WHERE payout = $1")
        .bind(payout.as_str())
        .fetch_optional(pool)
        .await
}
