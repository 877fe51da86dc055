//! `balances`: what stands in each account.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool, Row as _};
use types::Currency;

use super::unreadable;
use crate::domain::{Account, Balance};

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
