//! `commissions`: a read model of `commission-events`.

use pipeline::WriteTx;
use sqlx::{FromRow, PgPool};

use super::each;

/// A commission as front ends see it. Amounts are minor units of its currency, times microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct CommissionRow {
    /// The conversion's id.
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) partner_id: String,
    pub(crate) brand_id: String,
    pub(crate) campaign_id: String,
    pub(crate) event_type: String,
    pub(crate) base_minor: Option<i64>,
    pub(crate) rate_bps: Option<i32>,
    pub(crate) flat_minor: Option<i64>,
    pub(crate) plan_version: i32,
    pub(crate) currency: String,
    pub(crate) amount_minor: i64,
    pub(crate) reversed_minor: i64,
    pub(crate) status: String,
    pub(crate) hold_until: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
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

/// Writes rows; a new one gets the next position, an old one keeps its own.
pub(crate) async fn upsert(tx: &mut WriteTx, rows: &[CommissionRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[]) RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO commissions (id, position, partner_id, brand_id, campaign_id, event_type, base_minor, rate_bps, flat_minor,
                                  plan_version, currency, amount_minor, reversed_minor, status, hold_until, created_at, updated_at)
         SELECT r.id, head.base + r.ordinal, r.partner_id, r.brand_id, r.campaign_id, r.event_type, r.base_minor, r.rate_bps,
                r.flat_minor, r.plan_version, r.currency, r.amount_minor, r.reversed_minor, r.status, r.hold_until,
                r.created_at, r.updated_at
           FROM head, UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::int[], $8::bigint[],
                             $9::int[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[],
                             $16::bigint[]) WITH ORDINALITY
             AS r(id, partner_id, brand_id, campaign_id, event_type, base_minor, rate_bps, flat_minor, plan_version, currency,
                  amount_minor, reversed_minor, status, hold_until, created_at, updated_at, ordinal)
         ON CONFLICT (id) DO UPDATE
            SET partner_id = excluded.partner_id, brand_id = excluded.brand_id, campaign_id = excluded.campaign_id,
                event_type = excluded.event_type, base_minor = excluded.base_minor, rate_bps = excluded.rate_bps,
                flat_minor = excluded.flat_minor, plan_version = excluded.plan_version, currency = excluded.currency,
                amount_minor = excluded.amount_minor, reversed_minor = excluded.reversed_minor, status = excluded.status,
                hold_until = excluded.hold_until, created_at = excluded.created_at, updated_at = excluded.updated_at",
    )
    .bind(each(rows, |r| r.id.as_str()))
    .bind(each(rows, |r| r.partner_id.as_str()))
    .bind(each(rows, |r| r.brand_id.as_str()))
    .bind(each(rows, |r| r.campaign_id.as_str()))
    .bind(each(rows, |r| r.event_type.as_str()))
    .bind(each(rows, |r| r.base_minor))
    .bind(each(rows, |r| r.rate_bps))
    .bind(each(rows, |r| r.flat_minor))
    .bind(each(rows, |r| r.plan_version))
    .bind(each(rows, |r| r.currency.as_str()))
    .bind(each(rows, |r| r.amount_minor))
    .bind(each(rows, |r| r.reversed_minor))
    .bind(each(rows, |r| r.status.as_str()))
    .bind(each(rows, |r| r.hold_until))
    .bind(each(rows, |r| r.created_at))
    .bind(each(rows, |r| r.updated_at))
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
