//! `balances`: a read model of `payment-events`, the sum of what came in less what went out.

use std::collections::HashMap;

use messaging::WriteTx;
use sqlx::{FromRow, PgPool};
use types::Currency;

use super::each;

/// What an owner has in one currency by account type, in minor units; or by how much that changes.
#[derive(Debug, Default, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Totals {
    pub(crate) pending: i64,
    pub(crate) payable: i64,
    pub(crate) in_transit: i64,
    pub(crate) paid_out: i64,
    pub(crate) suspense: i64,
    /// A brand's.
    pub(crate) funds: i64,
    /// Microseconds.
    pub(crate) updated_at: i64,
}

/// Whose it is (`partner:<id>` or `brand:<id>`), and of which currency.
pub(crate) type Holder = (String, Currency);

/// A balance as it stands.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct BalanceRow {
    pub(crate) owner: String,
    pub(crate) currency: String,
    pub(crate) position: i64,
    #[sqlx(flatten)]
    pub(crate) totals: Totals,
}

impl Totals {
    /// That of the account type of this name.
    pub(crate) fn named(&mut self, name: &str) -> Option<&mut i64> {
        match name {
            "pending" => Some(&mut self.pending),
            "payable" => Some(&mut self.payable),
            "in_transit" => Some(&mut self.in_transit),
            "paid_out" => Some(&mut self.paid_out),
            "suspense" => Some(&mut self.suspense),
            "funds" => Some(&mut self.funds),
            _ => None,
        }
    }
}

/// Adds changes to what stands: once per owner and batch, however many transfers there were.
pub(crate) async fn add(
    tx: &mut WriteTx,
    changes: &HashMap<Holder, Totals>,
) -> Result<(), sqlx::Error> {
    let changes: Vec<_> = changes.iter().collect();
    sqlx::query(
        "WITH head AS (
             UPDATE read_head SET position = position + cardinality($1::text[]) RETURNING position - cardinality($1::text[]) AS base
         )
         INSERT INTO balances (owner, currency, position, pending, payable, in_transit, paid_out, suspense, funds, updated_at)
         SELECT r.owner, r.currency, head.base + r.ordinal, r.pending, r.payable, r.in_transit, r.paid_out, r.suspense, r.funds,
                r.updated_at
           FROM head, UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                             $8::bigint[], $9::bigint[]) WITH ORDINALITY
             AS r(owner, currency, pending, payable, in_transit, paid_out, suspense, funds, updated_at, ordinal)
         ON CONFLICT (owner, currency) DO UPDATE
            SET pending = balances.pending + excluded.pending, payable = balances.payable + excluded.payable,
                in_transit = balances.in_transit + excluded.in_transit, paid_out = balances.paid_out + excluded.paid_out,
                suspense = balances.suspense + excluded.suspense, funds = balances.funds + excluded.funds,
                updated_at = excluded.updated_at",
    )
    .bind(each(&changes, |((owner, _), _)| owner.as_str()))
    .bind(each(&changes, |((_, currency), _)| currency.code()))
    .bind(each(&changes, |(_, totals)| totals.pending))
    .bind(each(&changes, |(_, totals)| totals.payable))
    .bind(each(&changes, |(_, totals)| totals.in_transit))
    .bind(each(&changes, |(_, totals)| totals.paid_out))
    .bind(each(&changes, |(_, totals)| totals.suspense))
    .bind(each(&changes, |(_, totals)| totals.funds))
    .bind(each(&changes, |(_, totals)| totals.updated_at))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The balances of these owners, or of everybody, the last first seen first.
pub(crate) async fn list(
    pool: &PgPool,
    owners: Option<&[String]>,
    currency: Option<&str>,
    below: i64,
    rows: i64,
) -> Result<Vec<BalanceRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM balances
          WHERE position < $1 AND ($2::text[] IS NULL OR owner = ANY($2)) AND ($3::text IS NULL OR currency = $3)
          ORDER BY position DESC LIMIT $4",
    )
    .bind(below)
    .bind(owners)
    .bind(currency)
    .bind(rows)
    .fetch_all(pool)
    .await
}
