//! `balances`: what stands in each account.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool, Row as _};
use types::{BrandId, Currency};

use super::{billing, unreadable};
use crate::domain::{Account, Balance, Ledger};

/// Reads the balances of these accounts, in every currency.
pub(crate) async fn load(
    connection: &mut PgConnection,
    accounts: &[String],
) -> Result<HashMap<Balance, i64>, sqlx::Error> {
    let rows = sqlx::query("SELECT account, currency, minor FROM balances WHERE account = ANY($1)")
        .bind(accounts)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let account: Account = row
                .try_get::<&str, _>("account")?
                .parse()
                .map_err(unreadable)?;
            let currency = Currency::parse(row.try_get("currency")?).map_err(unreadable)?;
            Ok((Balance { account, currency }, row.try_get("minor")?))
        })
        .collect()
}

/// The brands that have an account, each with its currencies, behind one of them.
pub(crate) async fn of_brands(
    pool: &PgPool,
    after: Option<&(BrandId, Currency)>,
    limit: i64,
) -> Result<Vec<(BrandId, Currency)>, sqlx::Error> {
    let (brand, currency) = after.map_or(("", ""), |(brand, it)| (brand.as_str(), it.code()));
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT split_part(account, ':', 2) AS brand, currency FROM balances
          WHERE account LIKE 'brand:%' AND (split_part(account, ':', 2), currency) > ($1, $2)
          ORDER BY brand, currency LIMIT $3",
    )
    .bind(brand)
    .bind(currency)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let read = |(brand, currency): (String, String)| {
        let brand = BrandId::parse(brand).map_err(unreadable)?;
        Ok((brand, Currency::parse(&currency).map_err(unreadable)?))
    };
    rows.into_iter().map(read).collect()
}

/// Reads the balances of these accounts, and when these brands pay and are warned, into the ledger: one statement.
pub(crate) async fn load_with_billing(
    connection: &mut PgConnection,
    accounts: &[String],
    brands: &[String],
    ledger: &mut Ledger,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT account AS name, currency, minor, false AS is_billing, NULL AS billing, NULL AS funds_warning FROM balances WHERE account = ANY($1)
          UNION ALL
         SELECT brand, currency, credit_limit, true, billing, funds_warning FROM billing WHERE brand = ANY($2)",
    )
    .bind(accounts)
    .bind(brands)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let name: &str = row.try_get("name")?;
        let currency = Currency::parse(row.try_get("currency")?).map_err(unreadable)?;
        if !row.try_get::<bool, _>("is_billing")? {
            let account: Account = name.parse().map_err(unreadable)?;
            let minor = row.try_get("minor")?;
            ledger.balances.insert(Balance { account, currency }, minor);
            continue;
        }
        let brand = BrandId::parse(name).map_err(unreadable)?;
        if let Some(warning) = row.try_get("funds_warning")? {
            ledger.warnings.insert((brand.clone(), currency), warning);
        }
        if let Some(billing) = row.try_get("billing")? {
            let terms = billing::terms(billing, row.try_get("minor")?)?;
            let stated = ledger.billing.entry(brand).or_default();
            stated.insert(currency, terms);
        }
    }
    Ok(())
}

/// A balance to write, with the position of the last event that moved it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) balance: Balance,
    pub(crate) minor: i64,
    pub(crate) position: i64,
}

/// Writes balances as they stand now.
pub(crate) async fn save(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "balances" {
        account: text = |row| row.balance.account.to_string(),
        currency: text = |row| row.balance.currency.code(),
        minor: bigint = |row| row.minor,
        position: bigint = |row| row.position,
    } on (account, currency) set (minor, position))
    .await
}

/// One balance, as a list shows it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) account: Account,
    pub(crate) currency: Currency,
    pub(crate) minor: i64,
}

/// The balances of these accounts.
pub(crate) async fn of_accounts(
    pool: &PgPool,
    accounts: &[String],
) -> Result<Vec<Listed>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let balances = load(&mut connection, accounts).await?;
    let mut listed: Vec<Listed> = balances
        .into_iter()
        .map(|(balance, minor)| Listed {
            account: balance.account,
            currency: balance.currency,
            minor,
        })
        .collect();
    listed.sort_by_key(|balance| (balance.currency, balance.account.to_string()));
    Ok(listed)
}
