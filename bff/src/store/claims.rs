//! `claims`: a read model of `tracking-events`.

use chassis::auth::Scope;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{BrandId, ClaimId, ClaimStatus, PartnerId};

use super::each;

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

/// Reads those of these that are there.
pub(crate) async fn load(tx: &mut WriteTx, ids: &[&str]) -> Result<Vec<ClaimRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM claims WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(tx.connection())
        .await
}

/// Writes rows; a new one gets the next position, an old one keeps its own and what never changes.
pub(crate) async fn upsert(tx: &mut WriteTx, rows: &[ClaimRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[]) RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO claims (id, position, status, conversion_id, campaign_id, partner_id, brand_id, event_type, order_id, link_code,
                             click_id, amount_minor, currency, reason, occurred_at, claimed_at, decided_at)
         SELECT r.id, head.base + r.ordinal, r.status, r.conversion_id, r.campaign_id, r.partner_id, r.brand_id, r.event_type,
                r.order_id, r.link_code, r.click_id, r.amount_minor, r.currency, r.reason, r.occurred_at, r.claimed_at, r.decided_at
           FROM head, UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                             $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
                             $16::bigint[]) WITH ORDINALITY
             AS r(id, status, conversion_id, campaign_id, partner_id, brand_id, event_type, order_id, link_code, click_id,
                  amount_minor, currency, reason, occurred_at, claimed_at, decided_at, ordinal)
         ON CONFLICT (id) DO UPDATE
            SET status = excluded.status, conversion_id = excluded.conversion_id, reason = excluded.reason,
                decided_at = excluded.decided_at",
    )
    .bind(each(rows, |r| r.id.as_str()))
    .bind(each(rows, |r| r.status.as_str()))
    .bind(each(rows, |r| r.conversion_id.as_deref()))
    .bind(each(rows, |r| r.campaign_id.as_str()))
    .bind(each(rows, |r| r.partner_id.as_str()))
    .bind(each(rows, |r| r.brand_id.as_str()))
    .bind(each(rows, |r| r.event_type.as_str()))
    .bind(each(rows, |r| r.order_id.as_deref()))
    .bind(each(rows, |r| r.link_code.as_str()))
    .bind(each(rows, |r| r.click_id.as_str()))
    .bind(each(rows, |r| r.amount_minor))
    .bind(each(rows, |r| r.currency.as_deref()))
    .bind(each(rows, |r| r.reason.as_deref()))
    .bind(each(rows, |r| r.occurred_at))
    .bind(each(rows, |r| r.claimed_at))
    .bind(each(rows, |r| r.decided_at))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A partner's or a brand's claims, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    status: Option<ClaimStatus>,
    below: i64,
    rows: i64,
) -> Result<Vec<ClaimRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM claims
          WHERE position < $1 AND ($2 OR partner_id = $3 OR brand_id = $4) AND ($5::text IS NULL OR status = $5)
          ORDER BY position DESC LIMIT $6",
    )
    .bind(below)
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(status.map(ClaimStatus::name))
    .bind(rows)
    .fetch_all(pool)
    .await
}

/// One of them.
pub(crate) async fn find(pool: &PgPool, id: &ClaimId) -> Result<Option<ClaimRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM claims WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
}
