//! `balances`: a read model of `payment-events`, the sum of what came in less what went out.

use std::collections::HashMap;

use messaging::WriteTx;
use runtime::each;
use sqlx::{FromRow, PgExecutor, PgPool, Postgres, QueryBuilder};
use types::{Account, AccountType, Currency};

/// What an owner has in one currency by account type, in minor units; or by how much that changes.
#[derive(Debug, Default, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Totals {
    pub(crate) pending: i64,
    pub(crate) payable: i64,
    pub(crate) in_transit: i64,
    pub(crate) paid_out: i64,
    pub(crate) suspense: i64,
    /// A brand's; of the bank's side all that there is.
    pub(crate) funds: i64,
    /// A partner's, that waits for its brand's funds; a brand's, below zero, that waits for its own.
    pub(crate) unfunded: i64,
    /// A brand's, on its way from or to its bank.
    pub(crate) clearing: i64,
    /// A brand's, that refunds took back after its partners had been paid, and they have not earned again.
    pub(crate) recoverable: i64,
    /// Microseconds.
    pub(crate) updated_at: i64,
}

/// Whose the bank's side is.
const BANK: &str = "bank:main";

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
    /// Whose the account is, as the table has it: an account of a brand's own beside its funds is a row of its own.
    pub(crate) fn owner(account: &Account) -> String {
        match account {
            Account::BrandFunds(brand)
            | Account::BrandUnfunded(brand)
            | Account::BrandClearing(brand)
            | Account::BrandRecoverable(brand) => format!("brand:{brand}"),
            Account::Named(brand, name) => format!("brand:{brand}.{name}"),
            Account::Partner(partner, _) => format!("partner:{partner}"),
            Account::Bank => BANK.to_owned(),
        }
    }

    /// The account of an owner's row, by the name of its column.
    pub(crate) fn account(owner: &str, column: &str) -> Option<Account> {
        let account = match owner.split_once('.') {
            _ if owner == BANK => Account::Bank,
            Some((brand, name)) => format!("{brand}:funds.{name}").parse().ok()?,
            None => format!("{owner}:{column}").parse().ok()?,
        };
        Some(account)
    }

    /// What stands in the account.
    pub(crate) fn of(&mut self, account: &Account) -> &mut i64 {
        match account {
            Account::BrandFunds(_) | Account::Named(..) | Account::Bank => &mut self.funds,
            Account::BrandUnfunded(_) => &mut self.unfunded,
            Account::BrandClearing(_) => &mut self.clearing,
            Account::BrandRecoverable(_) => &mut self.recoverable,
            Account::Partner(_, account_type) => match account_type {
                AccountType::Pending => &mut self.pending,
                AccountType::Payable => &mut self.payable,
                AccountType::InTransit => &mut self.in_transit,
                AccountType::PaidOut => &mut self.paid_out,
                AccountType::Suspense => &mut self.suspense,
                AccountType::Unfunded => &mut self.unfunded,
            },
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
         INSERT INTO balances (owner, currency, position, pending, payable, in_transit, paid_out, suspense, funds, updated_at, unfunded, clearing, recoverable)
         SELECT r.owner, r.currency, head.base + r.ordinal, r.pending, r.payable, r.in_transit, r.paid_out, r.suspense, r.funds,
                r.updated_at, r.unfunded, r.clearing, r.recoverable
           FROM head, UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                             $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]) WITH ORDINALITY
             AS r(owner, currency, pending, payable, in_transit, paid_out, suspense, funds, updated_at, unfunded, clearing, recoverable, ordinal)
         ON CONFLICT (owner, currency) DO UPDATE
            SET pending = balances.pending + excluded.pending, payable = balances.payable + excluded.payable,
                in_transit = balances.in_transit + excluded.in_transit, paid_out = balances.paid_out + excluded.paid_out,
                suspense = balances.suspense + excluded.suspense, funds = balances.funds + excluded.funds,
                unfunded = balances.unfunded + excluded.unfunded, clearing = balances.clearing + excluded.clearing,
                recoverable = balances.recoverable + excluded.recoverable,
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
    .bind(each(&changes, |(_, totals)| totals.unfunded))
    .bind(each(&changes, |(_, totals)| totals.clearing))
    .bind(each(&changes, |(_, totals)| totals.recoverable))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The balances of these owners, or of everybody, the last first seen first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    owners: Option<&[String]>,
    currency: Option<&str>,
    below: i64,
    rows: i64,
) -> Result<Vec<BalanceRow>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT b.* FROM balances b WHERE b.position < ");
    sql.push_bind(below);
    sql.push(" AND b.owner NOT LIKE 'brand:%.%' AND b.owner NOT LIKE 'bank:%'");
    push_narrowing(&mut sql, owners, currency);
    sql.push(" ORDER BY b.position DESC LIMIT ").push_bind(rows);
    sql.build_query_as().fetch_all(executor).await
}

/// To these owners and this currency, where any are named: a plan for those that are not named would walk through everybody's.
fn push_narrowing(
    sql: &mut QueryBuilder<Postgres>,
    owners: Option<&[String]>,
    currency: Option<&str>,
) {
    if let Some(owners) = owners {
        sql.push(" AND b.owner = ANY(").push_bind(owners).push(")");
    }
    if let Some(currency) = currency {
        sql.push(" AND b.currency = ").push_bind(currency);
    }
}

/// So many accounts has a row, and more: an account's place in a list is its row's times this, and its own in it.
const PLACES: i64 = 16;

/// One account as a list shows it.
#[derive(Debug, FromRow)]
pub(crate) struct AccountRow {
    pub(crate) owner: String,
    pub(crate) account_type: String,
    pub(crate) currency: String,
    pub(crate) minor: i64,
    pub(crate) place: i64,
}

/// The accounts of these owners, or of everybody: those that every owner has, and what stands in others. The last first seen
/// first.
pub(crate) async fn accounts(
    executor: impl PgExecutor<'_>,
    owners: Option<&[String]>,
    currency: Option<&str>,
    below: i64,
    rows: i64,
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "SELECT b.owner, v.account_type, b.currency, v.minor, b.place + v.ordinal AS place
           FROM (SELECT *, position * ",
    );
    sql.push_bind(PLACES).push(
        " AS place FROM balances) b
          CROSS JOIN LATERAL (VALUES (8, 'pending', b.pending, 'partner:'), (7, 'payable', b.payable, 'partner:'),
                 (6, 'in_transit', b.in_transit, 'partner:'), (5, 'paid_out', b.paid_out, 'partner:'),
                 (4, 'suspense', b.suspense, NULL), (3, 'funds', b.funds, 'brand:'), (2, 'unfunded', b.unfunded, NULL),
                 (1, 'clearing', b.clearing, NULL), (0, 'recoverable', b.recoverable, NULL)) v(ordinal, account_type, minor, everybodys)
          WHERE (v.minor <> 0 OR starts_with(b.owner, v.everybodys)) AND b.position <= ",
    );
    sql.push_bind(below / PLACES);
    sql.push(" AND b.place + v.ordinal < ").push_bind(below);
    push_narrowing(&mut sql, owners, currency);
    sql.push(" ORDER BY b.position DESC, v.ordinal DESC LIMIT ")
        .push_bind(rows);
    sql.build_query_as().fetch_all(executor).await
}

/// What an owner has in a currency.
pub(crate) async fn find(
    pool: &PgPool,
    owner: &str,
    currency: Currency,
) -> Result<Option<BalanceRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM balances WHERE owner = $1 AND currency = $2")
        .bind(owner)
        .bind(currency.code())
        .fetch_optional(pool)
        .await
}

#[cfg(test)]
mod tests {
    use runtime::testing::{TestService, rows_read};

    use super::*;

    #[tokio::test]
    async fn what_is_held_in_a_rare_currency_is_found_behind_very_much_in_another() {
        let service = TestService::start(crate::define).await;
        sqlx::raw_sql(
            "INSERT INTO balances (owner, currency, position, pending, payable, in_transit, paid_out, suspense, funds, updated_at)
             SELECT 'partner:p' || n, CASE n WHEN 1 THEN 'EUR' ELSE 'USD' END, n, 1, 0, 0, 0, 0, 0, n FROM generate_series(1, 20000) n;
             ANALYZE balances",
        )
        .execute(service.pool())
        .await
        .unwrap();
        let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
        let found = list(&mut *tx, None, Some("EUR"), i64::MAX, 51).await;
        assert_eq!(found.unwrap()[0].owner, "partner:p1");
        let found = accounts(&mut *tx, None, Some("EUR"), i64::MAX, 51).await;
        assert_eq!(
            found.unwrap().len(),
            4,
            "pending, payable, in transit and paid out"
        );
        let read = rows_read(&mut tx, "balances").await;
        assert!(read <= 20, "{read}");
        drop(tx);
        service.stop().await;
    }
}
