//! `statements`: a read model of `payment-events`.

use chassis::page::PageQuery;
use messaging::WriteTx;
use schemas::StatementLine;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use types::{Month, PartnerId};

use super::Table;

/// What moved in a partner's accounts in a month.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct StatementRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) partner_id: String,
    pub(crate) month: String,
    pub(crate) lines: Json<Vec<StatementLine>>,
    pub(crate) issued_at: i64,
}

impl Table for StatementRow {
    super::row_of!("statements");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "statements" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            month: text = |r| r.month.as_str(),
            lines: jsonb = |r| Some(&r.lines),
            issued_at: bigint = |r| r.issued_at,
        } on (id) set (lines, issued_at))
        .await
    }
}

/// A partner's own, or everybody's, the last issued first.
pub(crate) async fn list(
    pool: &PgPool,
    partner: Option<&PartnerId>,
    month: Option<Month>,
    page: PageQuery,
) -> Result<Vec<StatementRow>, sqlx::Error> {
    let month = month.map(|month| month.to_string());
    let narrowing = [
        ("partner_id", partner.map(PartnerId::as_str)),
        ("month", month.as_deref()),
    ];
    super::list(pool, page, |_| {}, &narrowing).await
}
