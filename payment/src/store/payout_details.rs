//! `aside.payout_details`: where a payout goes, encrypted, and the request that it belongs to. Erasable.

use money::Uuid;
use sqlx::PgConnection;

/// Columns of rows to add.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) payouts: Vec<String>,
    pub(crate) details: Vec<Vec<u8>>,
    /// What each is encrypted with.
    pub(crate) data_keys: Vec<Vec<u8>>,
    pub(crate) correlation_ids: Vec<Uuid>,
    pub(crate) traceparents: Vec<Option<String>>,
}

impl Rows {
    pub(crate) async fn save(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.payouts.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO aside.payout_details (payout, details, correlation_id, traceparent, data_key)
             SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::uuid[], $4::text[], $5::bytea[])",
        )
        .bind(self.payouts)
        .bind(self.details)
        .bind(self.correlation_ids)
        .bind(self.traceparents)
        .bind(self.data_keys)
        .execute(connection)
        .await?;
        Ok(())
    }
}
