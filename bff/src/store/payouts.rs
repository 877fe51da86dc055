//! `payouts`: a read model of `payment-events`.

use messaging::WriteTx;
use sqlx::{FromRow, PgPool};

use super::each;

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

/// Reads those of these that are there.
pub(crate) async fn load(tx: &mut WriteTx, ids: &[&str]) -> Result<Vec<PayoutRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM payouts WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(tx.connection())
        .await
}

/// Writes rows; a new one gets the next position, an old one keeps its own and what never changes.
pub(crate) async fn upsert(tx: &mut WriteTx, rows: &[PayoutRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[]) RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO payouts (id, position, partner_id, amount_minor, currency, method, masked, status, provider_ref, reason,
                              requested_at, updated_at)
         SELECT r.id, head.base + r.ordinal, r.partner_id, r.amount_minor, r.currency, r.method, r.masked, r.status,
                r.provider_ref, r.reason, r.requested_at, r.updated_at
           FROM head, UNNEST($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                             $9::text[], $10::bigint[], $11::bigint[]) WITH ORDINALITY
             AS r(id, partner_id, amount_minor, currency, method, masked, status, provider_ref, reason, requested_at,
                  updated_at, ordinal)
         ON CONFLICT (id) DO UPDATE
            SET status = excluded.status, provider_ref = excluded.provider_ref, reason = excluded.reason,
                updated_at = excluded.updated_at",
    )
    .bind(each(rows, |r| r.id.as_str()))
    .bind(each(rows, |r| r.partner_id.as_str()))
    .bind(each(rows, |r| r.amount_minor))
    .bind(each(rows, |r| r.currency.as_str()))
    .bind(each(rows, |r| r.method.as_str()))
    .bind(each(rows, |r| r.masked.as_str()))
    .bind(each(rows, |r| r.status.as_str()))
    .bind(each(rows, |r| r.provider_ref.as_deref()))
    .bind(each(rows, |r| r.reason.as_deref()))
    .bind(each(rows, |r| r.requested_at))
    .bind(each(rows, |r| r.updated_at))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A partner's payouts, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    partner: Option<&str>,
    status: Option<&str>,
    below: i64,
    rows: i64,
) -> Result<Vec<PayoutRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM payouts
          WHERE position < $1 AND ($2::text IS NULL OR partner_id = $2) AND ($3::text IS NULL OR status = $3)
          ORDER BY position DESC LIMIT $4",
    )
    .bind(below)
    .bind(partner)
    .bind(status)
    .bind(rows)
    .fetch_all(pool)
    .await
}

/// One of them.
pub(crate) async fn find(pool: &PgPool, id: &str) -> Result<Option<PayoutRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM payouts WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}
