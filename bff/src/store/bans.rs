//! `bans`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::{BrandId, PartnerId, PartnerStatus};

use super::each;

/// What a brand, or an operator, holds of a partner. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct BanRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) partner_id: String,
    /// `None`: everywhere.
    pub(crate) brand_id: Option<String>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) since: i64,
}

/// Writes rows; a new one gets the next position, an old one keeps its own.
pub(crate) async fn upsert(tx: &mut WriteTx, rows: &[BanRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[]) RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO bans (id, position, partner_id, brand_id, status, reason, since)
         SELECT r.id, head.base + r.ordinal, r.partner_id, r.brand_id, r.status, r.reason, r.since
           FROM head, UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) WITH ORDINALITY
             AS r(id, partner_id, brand_id, status, reason, since, ordinal)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason, since = excluded.since",
    )
    .bind(each(rows, |r| r.id.as_str()))
    .bind(each(rows, |r| r.partner_id.as_str()))
    .bind(each(rows, |r| r.brand_id.as_deref()))
    .bind(each(rows, |r| r.status.as_str()))
    .bind(each(rows, |r| r.reason.as_deref()))
    .bind(each(rows, |r| r.since))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Those of a partner, a brand's own or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    partner: Option<&PartnerId>,
    status: Option<PartnerStatus>,
    page: PageQuery,
) -> Result<Vec<BanRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM bans
          WHERE position < $1 AND ($2 OR partner_id = $3 OR brand_id = $4) AND ($5::text IS NULL OR partner_id = $5)
            AND ($6::text IS NULL OR status = $6)
          ORDER BY position DESC LIMIT $7",
    )
    .bind(page.below())
    .bind(scope.all)
    .bind(scope.partner.map(PartnerId::as_str))
    .bind(scope.brand.map(BrandId::as_str))
    .bind(partner.map(PartnerId::as_str))
    .bind(status.map(PartnerStatus::name))
    .bind(page.rows())
    .fetch_all(pool)
    .await
}
