//! `commissions`: a read model of `commission-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::in_state;
use sqlx::{FromRow, PgPool};

use super::Table;
use super::of_campaigns::{self, Named, To};

/// A commission as front ends see it. Amounts are minor units, times microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct CommissionRow {
    /// The conversion's id.
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) brand_id: String,
    pub(crate) event_type: String,
    pub(crate) base_minor: Option<i64>,
    pub(crate) base_currency: Option<String>,
    pub(crate) rate_bps: Option<i32>,
    pub(crate) flat_minor: Option<i64>,
    pub(crate) flat_currency: Option<String>,
    pub(crate) plan_version: i32,
    pub(crate) currency: String,
    pub(crate) amount_minor: i64,
    pub(crate) reversed_minor: i64,
    pub(crate) status: String,
    /// Why it is suspended.
    pub(crate) suspense: Option<String>,
    pub(crate) hold_until: Option<i64>,
    pub(crate) calculated_at: i64,
    pub(crate) approved_at: Option<i64>,
}

impl Table for CommissionRow {
    super::row_of!("commissions");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "commissions" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            event_type: text = |r| r.event_type.as_str(),
            base_minor: bigint = |r| r.base_minor,
            base_currency: text = |r| r.base_currency.as_deref(),
            rate_bps: int = |r| r.rate_bps,
            flat_minor: bigint = |r| r.flat_minor,
            flat_currency: text = |r| r.flat_currency.as_deref(),
            plan_version: int = |r| r.plan_version,
            currency: text = |r| r.currency.as_str(),
            amount_minor: bigint = |r| r.amount_minor,
            reversed_minor: bigint = |r| r.reversed_minor,
            status: text = |r| r.status.as_str(),
            suspense: text = |r| r.suspense.as_deref(),
            hold_until: bigint = |r| r.hold_until,
            calculated_at: bigint = |r| r.calculated_at,
            approved_at: bigint = |r| r.approved_at,
        } on (id) set (campaign_id, partner_id, brand_id, event_type, base_minor, base_currency, rate_bps, flat_minor, flat_currency,
                       plan_version, currency, amount_minor, reversed_minor, status, suspense, hold_until, calculated_at, approved_at))
        .await
    }
}

/// A partner's own, those of a brand's campaigns, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    of: To<'_>,
    status: Option<&'static str>,
    page: PageQuery,
) -> Result<Vec<CommissionRow>, sqlx::Error> {
    let that_stand_so = in_state("status", status);
    of_campaigns::list(pool, scope, of, page, Named::ByRow, that_stand_so).await
}
