//! `conversions`: a read model of `tracking-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::in_state;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};
use types::{CampaignId, ConversionStatus, OrderId, PartnerId};

use super::of_campaigns::{self, Named, To};
use super::{Of, One, Table, seen_by};

/// A conversion as front ends see it. Its amounts are minor units of its currency, times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct ConversionRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) status: String,
    pub(crate) event_type: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) campaign_id: Option<String>,
    pub(crate) brand_id: Option<String>,
    pub(crate) partner_id: Option<String>,
    pub(crate) link_code: Option<String>,
    pub(crate) click_id: Option<String>,
    pub(crate) terms_version: Option<i32>,
    pub(crate) amount_minor: Option<i64>,
    pub(crate) refunded_minor: i64,
    pub(crate) currency: Option<String>,
    /// What was paid of one that is nobody's.
    pub(crate) amount_text: Option<String>,
    pub(crate) verified_by: Option<String>,
    /// Why it is nobody's.
    pub(crate) reason: Option<String>,
    /// The brand that reported it, while it is nobody's.
    pub(crate) reporter_brand_id: Option<String>,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
}

impl ConversionRow {
    /// Whose order it is: of the campaign's brand, or of the one that reported what is nobody's.
    pub(crate) fn brand_id(&self) -> Option<&str> {
        let reporter = self.reporter_brand_id.as_deref();
        self.brand_id.as_deref().or(reporter)
    }
}

/// What stands around a brand whose order it is.
pub(super) const ITS_ORDERS: Of = ("", " IN (brand_id, reporter_brand_id)");

impl Table for ConversionRow {
    super::row_of!("conversions");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "conversions" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            status: text = |r| r.status.as_str(),
            event_type: text = |r| r.event_type.as_deref(),
            order_id: text = |r| r.order_id.as_deref(),
            campaign_id: text = |r| r.campaign_id.as_deref(),
            brand_id: text = |r| r.brand_id.as_deref(),
            partner_id: text = |r| r.partner_id.as_deref(),
            link_code: text = |r| r.link_code.as_deref(),
            click_id: text = |r| r.click_id.as_deref(),
            terms_version: int = |r| r.terms_version,
            amount_minor: bigint = |r| r.amount_minor,
            refunded_minor: bigint = |r| r.refunded_minor,
            currency: text = |r| r.currency.as_deref(),
            amount_text: text = |r| r.amount_text.as_deref(),
            verified_by: text = |r| r.verified_by.as_deref(),
            reason: text = |r| r.reason.as_deref(),
            reporter_brand_id: text = |r| r.reporter_brand_id.as_deref(),
            occurred_at: bigint = |r| r.occurred_at,
            recorded_at: bigint = |r| r.recorded_at,
        } on (id) set (status, event_type, order_id, campaign_id, brand_id, partner_id, link_code, click_id, terms_version, amount_minor, refunded_minor, currency, amount_text, verified_by, reason, reporter_brand_id, occurred_at, recorded_at)
          // What was nobody's is new to whose it becomes.
          ", position = CASE WHEN conversions.status <> 'attributed' AND excluded.status = 'attributed' THEN excluded.position ELSE conversions.position END")
        .await
    }
}

/// A partner's, a brand's with what it reported and is nobody's, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    of: To<'_>,
    order: Option<&OrderId>,
    status: Option<ConversionStatus>,
    page: PageQuery,
) -> Result<Vec<ConversionRow>, sqlx::Error> {
    // What is not attributed is no partner's, and what is only noted no brand's either.
    let is_of_somebody = !scope.all || of.brand.is_some() || of.partner.is_some();
    if is_of_somebody && status == Some(ConversionStatus::Noted) {
        return Ok(Vec::new());
    }
    let that_stand_so = in_state("status", status.map(ConversionStatus::name));
    let Some(order) = order else {
        let named = match status {
            Some(ConversionStatus::Unattributed) if is_of_somebody => {
                return of_campaigns::list_reported(pool, scope, of, page).await;
            }
            None => Named::WithReporter,
            Some(_) => Named::ByRow,
        };
        return of_campaigns::list(pool, scope, of, page, named, that_stand_so).await;
    };
    let seen = |sql: &mut QueryBuilder<Postgres>| {
        seen_by(scope, ITS_ORDERS)(sql);
        if let Some(brand) = of.brand {
            let (before, after) = ITS_ORDERS;
            sql.push(" AND ").push(before).push_bind(brand.as_str());
            sql.push(after);
        }
        that_stand_so(sql);
    };
    let narrowing = [
        ("order_id", Some(order.as_str())),
        ("campaign_id", of.campaign.map(CampaignId::as_str)),
        ("partner_id", of.partner.map(PartnerId::as_str)),
    ];
    super::list(pool, page, seen, &narrowing).await
}

/// Whose these conversions and claims are, as partner and brand.
pub(crate) async fn owners_with_claims(
    pool: &PgPool,
    ids: &[&str],
) -> Result<Vec<(String, Option<String>, Option<String>)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, partner_id, brand_id FROM conversions WHERE id = ANY($1)
         UNION ALL SELECT id, partner_id, brand_id FROM claims WHERE id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(pool)
    .await
}

/// The ids of so many conversions of an order, or of a click, of those that may be seen.
pub(crate) async fn ids_of(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    of: One<'_>,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT id FROM conversions");
    super::push_one(&mut sql, (scope, ITS_ORDERS), of, limit);
    sql.build_query_scalar().fetch_all(connection).await
}

/// The orders of these, each with its campaign.
pub(crate) async fn orders(
    pool: &PgPool,
    ids: &[String],
) -> Result<Vec<(OrderId, Option<CampaignId>)>, sqlx::Error> {
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "SELECT order_id, campaign_id FROM conversions WHERE id = ANY($1) AND order_id IS NOT NULL",
    )
    .bind(ids)
    .fetch_all(pool)
    .await?;
    let read = rows.into_iter().filter_map(|(order, campaign)| {
        let campaign = campaign.and_then(|campaign| CampaignId::parse(campaign).ok());
        Some((OrderId::parse(order).ok()?, campaign))
    });
    Ok(read.collect())
}
