//! `funds_accounts`, `bank_transfers` and `billing`: read models of `payment-events`, brands' money.

use chassis::page::PageQuery;
use messaging::WriteTx;
use sqlx::{FromRow, PgPool};

use super::Table;

/// An account that a brand has opened beside its funds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct FundsAccountRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) name: String,
    pub(crate) opened_at: i64,
}

impl Table for FundsAccountRow {
    super::row_of!("funds_accounts");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "funds_accounts" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            name: text = |r| r.name.as_str(),
            opened_at: bigint = |r| r.opened_at,
        } on (id) set (name))
        .await
    }
}

/// What a brand calls its accounts, the last opened first.
pub(crate) async fn names(pool: &PgPool, brand: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT name FROM funds_accounts WHERE brand_id = $1 ORDER BY position DESC LIMIT 1000",
    )
    .bind(brand)
    .fetch_all(pool)
    .await
}

/// A deposit or a withdrawal as front ends see it. Its amount is minor units, times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct BankTransferRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    /// `deposit` or `withdrawal`.
    pub(crate) way: String,
    pub(crate) brand_id: String,
    pub(crate) account: Option<String>,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) reference: Option<String>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) began_at: i64,
    pub(crate) updated_at: i64,
}

impl Table for BankTransferRow {
    super::row_of!("bank_transfers");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "bank_transfers" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            way: text = |r| r.way.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            account: text = |r| r.account.as_deref(),
            amount_minor: bigint = |r| r.amount_minor,
            currency: text = |r| r.currency.as_str(),
            reference: text = |r| r.reference.as_deref(),
            status: text = |r| r.status.as_str(),
            reason: text = |r| r.reason.as_deref(),
            began_at: bigint = |r| r.began_at,
            updated_at: bigint = |r| r.updated_at,
        } on (way, id) set (brand_id, account, amount_minor, currency, reference, status, reason, began_at, updated_at))
        .await
    }

    async fn load(tx: &mut WriteTx, keys: &[&str]) -> Result<Vec<Self>, sqlx::Error> {
        let keys = keys.iter().filter_map(|key| key.split_once('/'));
        let (ways, ids): (Vec<&str>, Vec<&str>) = keys.unzip();
        sqlx::query_as(
            "SELECT * FROM bank_transfers WHERE (way, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        )
        .bind(ways)
        .bind(ids)
        .fetch_all(tx.connection())
        .await
    }
}

/// Deposits, or withdrawals, of a brand, or of all, newest first.
pub(crate) async fn bank_transfers(
    pool: &PgPool,
    way: &'static str,
    brand: Option<&str>,
    status: Option<&str>,
    page: PageQuery,
) -> Result<Vec<BankTransferRow>, sqlx::Error> {
    let narrowing = [("way", Some(way)), ("brand_id", brand), ("status", status)];
    super::list(pool, page, |_| {}, &narrowing).await
}

/// One of them.
pub(crate) async fn bank_transfer(
    pool: &PgPool,
    way: &'static str,
    id: &str,
) -> Result<Option<BankTransferRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM bank_transfers WHERE way = $1 AND id = $2")
        .bind(way)
        .bind(id)
        .fetch_optional(pool)
        .await
}

/// When a brand pays for what its partners earn in a currency, and below which amount it is warned.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct BillingRow {
    /// brand/currency
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) brand_id: String,
    pub(crate) currency: String,
    /// As an operator has said it.
    pub(crate) billing: Option<String>,
    pub(crate) credit_limit: Option<i64>,
    pub(crate) funds_warning: Option<i64>,
}

impl Table for BillingRow {
    super::row_of!("billing");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "billing" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            brand_id: text = |r| r.brand_id.as_str(),
            currency: text = |r| r.currency.as_str(),
            billing: text = |r| r.billing.as_deref(),
            credit_limit: bigint = |r| r.credit_limit,
            funds_warning: bigint = |r| r.funds_warning,
        } on (id) set (billing, credit_limit, funds_warning))
        .await
    }
}

/// A brand's billing with what its funds are, and what waits for them.
#[derive(Debug, FromRow)]
pub(crate) struct BillingListed {
    #[sqlx(flatten)]
    pub(crate) row: BillingRow,
    /// Whether it pays before in a currency of which nothing was said.
    pub(crate) is_limited: bool,
    pub(crate) funds: i64,
    pub(crate) unfunded: i64,
}

/// When brands pay and are warned: this one's, or of all those of which either was set or for whose funds something waits, newest first.
pub(crate) async fn billing(
    pool: &PgPool,
    brand: Option<&str>,
    page: PageQuery,
) -> Result<Vec<BillingListed>, sqlx::Error> {
    // Of a currency of which nothing was set there is a balance alone, whose place is of the same numbers.
    sqlx::query_as(
        "SELECT b.*, coalesce(h.funds, 0) AS funds, coalesce(-h.unfunded, 0) AS unfunded,
                EXISTS (SELECT 1 FROM billing o WHERE o.brand_id = b.brand_id AND (o.billing = 'prepaid' OR o.credit_limit IS NOT NULL)) AS is_limited
           FROM (SELECT id, position, brand_id, currency, billing, credit_limit, funds_warning FROM billing
                  UNION ALL
                 SELECT w.brand_id || '/' || w.currency, w.position, w.brand_id, w.currency, NULL, NULL, NULL
                   FROM (SELECT substr(owner, 7) AS brand_id, currency, position FROM balances
                          WHERE unfunded < 0 AND starts_with(owner, 'brand:')) w
                  WHERE NOT EXISTS (SELECT 1 FROM billing o WHERE o.brand_id = w.brand_id AND o.currency = w.currency)) b
           LEFT JOIN balances h ON h.owner = 'brand:' || b.brand_id AND h.currency = b.currency
          WHERE b.position < $1 AND ($2::text IS NULL OR b.brand_id = $2)
            AND (b.billing IS NOT NULL OR b.funds_warning IS NOT NULL OR h.unfunded < 0) ORDER BY b.position DESC LIMIT $3",
    )
    .bind(page.below())
    .bind(brand)
    .bind(page.rows())
    .fetch_all(pool)
    .await
}
