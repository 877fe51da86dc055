//! `commissions`: a read model of `commission-events`.

use messaging::WriteTx;
use sqlx::{FromRow, PgPool};

use super::each;

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

/// What a list is narrowed by; absent is anything.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) partner: Option<&'a str>,
    pub(crate) brand: Option<&'a str>,
    pub(crate) campaign: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    /// Of either of these two: for a caller who is both.
    pub(crate) either: Option<(&'a str, &'a str)>,
}

/// Reads those of these that are there.
pub(crate) async fn load(
    tx: &mut WriteTx,
    ids: &[&str],
) -> Result<Vec<CommissionRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM commissions WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(tx.connection())
        .await
}

/// Writes rows; a new one gets the next position, an old one keeps its own and what never changes.
pub(crate) async fn upsert(tx: &mut WriteTx, rows: &[CommissionRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[])
             RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO commissions (position, id, campaign_id, partner_id, brand_id, event_type, base_minor,
                                  base_currency, rate_bps, flat_minor, flat_currency, plan_version, currency,
                                  amount_minor, reversed_minor, status, suspense, hold_until, calculated_at,
                                  approved_at)
         SELECT head.base + r.ordinal, r.id, r.campaign_id, r.partner_id, r.brand_id, r.event_type, r.base_minor,
                r.base_currency, r.rate_bps, r.flat_minor, r.flat_currency, r.plan_version, r.currency,
                r.amount_minor, r.reversed_minor, r.status, r.suspense, r.hold_until, r.calculated_at, r.approved_at
           FROM head, UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                             $8::int[], $9::bigint[], $10::text[], $11::int[], $12::text[], $13::bigint[],
                             $14::bigint[], $15::text[], $16::text[], $17::bigint[], $18::bigint[], $19::bigint[])
                WITH ORDINALITY
             AS r(id, campaign_id, partner_id, brand_id, event_type, base_minor, base_currency, rate_bps, flat_minor,
                  flat_currency, plan_version, currency, amount_minor, reversed_minor, status, suspense, hold_until,
                  calculated_at, approved_at, ordinal)
         ON CONFLICT (id) DO UPDATE
            SET reversed_minor = excluded.reversed_minor, status = excluded.status, approved_at = excluded.approved_at",
    )
    .bind(each(rows, |r| r.id.as_str()))
    .bind(each(rows, |r| r.campaign_id.as_str()))
    .bind(each(rows, |r| r.partner_id.as_str()))
    .bind(each(rows, |r| r.brand_id.as_str()))
    .bind(each(rows, |r| r.event_type.as_str()))
    .bind(each(rows, |r| r.base_minor))
    .bind(each(rows, |r| r.base_currency.as_deref()))
    .bind(each(rows, |r| r.rate_bps))
    .bind(each(rows, |r| r.flat_minor))
    .bind(each(rows, |r| r.flat_currency.as_deref()))
    .bind(each(rows, |r| r.plan_version))
    .bind(each(rows, |r| r.currency.as_str()))
    .bind(each(rows, |r| r.amount_minor))
    .bind(each(rows, |r| r.reversed_minor))
    .bind(each(rows, |r| r.status.as_str()))
    .bind(each(rows, |r| r.suspense.as_deref()))
    .bind(each(rows, |r| r.hold_until))
    .bind(each(rows, |r| r.calculated_at))
    .bind(each(rows, |r| r.approved_at))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What is wanted, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    wanted: Wanted<'_>,
    below: i64,
    rows: i64,
) -> Result<Vec<CommissionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM commissions
          WHERE position < $1
            AND ($2::text IS NULL OR partner_id = $2) AND ($3::text IS NULL OR brand_id = $3)
            AND ($4::text IS NULL OR campaign_id = $4) AND ($5::text IS NULL OR status = $5)
            AND ($6::text IS NULL OR partner_id = $6 OR brand_id = $7)
          ORDER BY position DESC LIMIT $8",
    )
    .bind(below)
    .bind(wanted.partner)
    .bind(wanted.brand)
    .bind(wanted.campaign)
    .bind(wanted.status)
    .bind(wanted.either.map(|(partner, _)| partner))
    .bind(wanted.either.map(|(_, brand)| brand))
    .bind(rows)
    .fetch_all(pool)
    .await
}

/// One of them.
pub(crate) async fn find(pool: &PgPool, id: &str) -> Result<Option<CommissionRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM commissions WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}
