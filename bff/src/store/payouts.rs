//! `payouts`: a read model of `payment-events`.

use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};

use super::Table;

/// A payout as front ends see it. Its amount is minor units of its currency, times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct PayoutRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) partner_id: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) method: String,
    /// Where to, as it may be shown.
    pub(crate) masked: String,
    pub(crate) status: String,
    pub(crate) provider_ref: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) requested_at: i64,
    pub(crate) updated_at: i64,
}

impl Table for PayoutRow {
    super::row_of!("payouts");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "payouts" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            amount_minor: bigint = |r| r.amount_minor,
            currency: text = |r| r.currency.as_str(),
            method: text = |r| r.method.as_str(),
            masked: text = |r| r.masked.as_str(),
            status: text = |r| r.status.as_str(),
            provider_ref: text = |r| r.provider_ref.as_deref(),
            reason: text = |r| r.reason.as_deref(),
            requested_at: bigint = |r| r.requested_at,
            updated_at: bigint = |r| r.updated_at,
        } on (id) set (status, provider_ref, reason, updated_at))
        .await
    }
}

/// A partner's payouts, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    partner: Option<&str>,
    status: Option<&str>,
    page: PageQuery,
) -> Result<Vec<PayoutRow>, sqlx::Error> {
    let of_partner = |sql: &mut QueryBuilder<Postgres>| {
        lists::push_equal(sql, &[("partner_id", partner)]);
    };
    super::list(pool, page, of_partner, &[("status", status)]).await
}
