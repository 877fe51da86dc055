//! `enrollments`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{BrandId, CampaignId, EnrollmentStatus, PartnerId};

use super::each;

/// Where a partner stands with a campaign, as front ends see it. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct EnrollmentRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) status: String,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) brand_id: Option<String>,
    pub(crate) reason: Option<String>,
    /// The last that was accepted; an event that does not say it leaves it.
    pub(crate) terms_version: Option<i32>,
    pub(crate) since: i64,
}

/// Writes rows; a new one gets the next position, an old one keeps its own.
pub(crate) async fn upsert(tx: &mut WriteTx, rows: &[EnrollmentRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[]) RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO enrollments AS e (id, position, status, campaign_id, partner_id, brand_id, reason, terms_version, since)
         SELECT r.id, head.base + r.ordinal, r.status, r.campaign_id, r.partner_id, r.brand_id, r.reason, r.terms_version, r.since
           FROM head, UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bigint[])
                      WITH ORDINALITY
             AS r(id, status, campaign_id, partner_id, brand_id, reason, terms_version, since, ordinal)
         ON CONFLICT (id) DO UPDATE
            SET status = excluded.status, brand_id = coalesce(excluded.brand_id, e.brand_id), reason = excluded.reason,
                terms_version = coalesce(excluded.terms_version, e.terms_version), since = excluded.since",
    )
    .bind(each(rows, |r| r.id.as_str()))
    .bind(each(rows, |r| r.status.as_str()))
    .bind(each(rows, |r| r.campaign_id.as_str()))
    .bind(each(rows, |r| r.partner_id.as_str()))
    .bind(each(rows, |r| r.brand_id.as_deref()))
    .bind(each(rows, |r| r.reason.as_deref()))
    .bind(each(rows, |r| r.terms_version))
    .bind(each(rows, |r| r.since))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A partner's, a brand's or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    campaign: Option<&CampaignId>,
    status: Option<EnrollmentStatus>,
    page: PageQuery,
) -> Result<Vec<EnrollmentRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM enrollments
          WHERE position < $1 AND ($2 OR partner_id = $3 OR brand_id = $4) AND ($5::text IS NULL OR campaign_id = $5)
            AND ($6::text IS NULL OR status = $6)
          ORDER BY position DESC LIMIT $7",
    )
    .bind(page.below())
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(campaign.map(CampaignId::as_str))
    .bind(status.map(EnrollmentStatus::name))
    .bind(page.rows())
    .fetch_all(pool)
    .await
}
