//! `brands`: a read model of `campaign-events`.

use messaging::WriteTx;
use runtime::brands::BrandRow;

use super::Table;

impl Table for BrandRow {
    super::row_of!("brands");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "brands" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            sealed_name: bytea = |r| r.sealed_name.as_deref(),
            currency: text = |r| r.currency.as_deref(),
            seen_at: bigint = |r| r.seen_at,
            changed_at: bigint = |r| r.changed_at,
        } on (id) set (sealed_name, currency, seen_at, changed_at))
        .await
    }
}
