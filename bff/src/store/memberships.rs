//! `memberships`: a read model of `campaign-events`.

use messaging::WriteTx;
use sqlx::FromRow;

use super::Table;

/// To which group of a brand a partner was moved last.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct MembershipRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) partner_id: String,
    pub(crate) group_id: String,
}

impl Table for MembershipRow {
    super::row_of!("memberships");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "memberships" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            group_id: text = |r| r.group_id.as_str(),
        } on (id) set (group_id))
        .await
    }
}
