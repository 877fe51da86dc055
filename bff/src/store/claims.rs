//! `claims`: a read model of `tracking-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists;
use sqlx::{FromRow, PgConnection, PgPool, QueryBuilder};
use types::{BrandId, CampaignId, ClaimStatus, OrderId, PartnerId};

use super::of_campaigns::To;
use super::{ITS_BRAND, One, Table, seen_by};

/// A claim as front ends see it. Its amount is minor units of its currency, times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct ClaimRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) status: String,
    /// The conversion of its order, once there is one.
    pub(crate) conversion_id: Option<String>,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) brand_id: String,
    pub(crate) event_type: String,
    pub(crate) order_id: Option<String>,
    pub(crate) link_code: String,
    pub(crate) click_id: String,
    pub(crate) amount_minor: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) occurred_at: i64,
    pub(crate) claimed_at: i64,
    pub(crate) decided_at: Option<i64>,
}

impl Table for ClaimRow {
    super::row_of!("claims");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "claims" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            status: text = |r| r.status.as_str(),
            conversion_id: text = |r| r.conversion_id.as_deref(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            event_type: text = |r| r.event_type.as_str(),
            order_id: text = |r| r.order_id.as_deref(),
            link_code: text = |r| r.link_code.as_str(),
            click_id: text = |r| r.click_id.as_str(),
            amount_minor: bigint = |r| r.amount_minor,
            currency: text = |r| r.currency.as_deref(),
            reason: text = |r| r.reason.as_deref(),
            occurred_at: bigint = |r| r.occurred_at,
            claimed_at: bigint = |r| r.claimed_at,
            decided_at: bigint = |r| r.decided_at,
        } on (id) set (status, conversion_id, campaign_id, partner_id, brand_id, event_type, order_id, link_code, click_id,
                       amount_minor, currency, reason, occurred_at, claimed_at, decided_at))
        .await
    }
}

/// A partner's or a brand's claims, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    of: To<'_>,
    order: Option<&OrderId>,
    status: Option<ClaimStatus>,
    page: PageQuery,
) -> Result<Vec<ClaimRow>, sqlx::Error> {
    let narrowing = [
        ("campaign_id", of.campaign.map(CampaignId::as_str)),
        ("partner_id", of.partner.map(PartnerId::as_str)),
        ("brand_id", of.brand.map(BrandId::as_str)),
        ("order_id", order.map(OrderId::as_str)),
        ("status", status.map(ClaimStatus::name)),
    ];
    super::list(pool, page, seen_by(scope, ITS_BRAND), &narrowing).await
}

/// So many claims of an order or a click that may be seen, each with the conversion of the order once there is one.
pub(crate) async fn ids_of(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    of: One<'_>,
    limit: i64,
) -> Result<Vec<(String, Option<String>)>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT id, conversion_id FROM claims");
    super::push_one(&mut sql, (scope, ITS_BRAND), of, limit);
    sql.build_query_as().fetch_all(connection).await
}

/// The claims of these conversions.
pub(crate) async fn of_conversions(
    pool: &PgPool,
    conversions: &[String],
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM claims WHERE conversion_id = ANY($1) ORDER BY position LIMIT $2",
    )
    .bind(conversions)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// A claim of an order that has a conversion.
#[derive(Debug, FromRow)]
pub(crate) struct OfOrder {
    pub(crate) id: String,
    pub(crate) brand_id: String,
    pub(crate) order_id: String,
    /// The conversion, which the claim does not name unless it ended in it.
    pub(crate) conversion_id: String,
    /// Whether the conversion is the same brand's; what is nobody's bears no brand.
    pub(crate) is_brands: bool,
}

/// The claims, open and declined ones too, of these conversions' orders, as far as they may be seen: of a brand the claims that are its own,
/// of a partner those of what is its own.
pub(crate) async fn of_orders(
    pool: &PgPool,
    scope: Scope<'_>,
    conversions: &[String],
    limit: i64,
) -> Result<Vec<OfOrder>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "SELECT c.id, c.brand_id, c.order_id, v.id AS conversion_id, v.brand_id IS NOT NULL AS is_brands
           FROM conversions v JOIN claims c ON c.order_id = v.order_id AND coalesce(c.brand_id = v.brand_id, true)
          WHERE c.order_id IS NOT NULL AND v.id = ANY(",
    );
    sql.push_bind(conversions).push(")");
    lists::seen_by(scope, "v.partner_id = ", ("c.brand_id = ", ""))(&mut sql);
    sql.push(" ORDER BY is_brands DESC, c.position LIMIT ");
    sql.push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}
