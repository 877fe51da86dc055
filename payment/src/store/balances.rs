//! `balances`: what stands in each account.

use std::collections::HashMap;

use money::Currency;
use sqlx::{PgConnection, PgPool, Row};

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

/// Columns of balances to write: account, currency, minor units, the position of the last event that moved them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    accounts: Vec<String>,
    currencies: Vec<&'static str>,
    minors: Vec<i64>,
    positions: Vec<i64>,
}

impl Rows {
    pub(crate) fn push(&mut self, balance: &Balance, minor: i64, position: i64) {
        self.accounts.push(balance.account.to_string());
        self.currencies.push(balance.currency.code());
        self.minors.push(minor);
        self.positions.push(position);
    }

    pub(crate) async fn save(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.accounts.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO balances (account, currency, minor, position)
             SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bigint[])
             ON CONFLICT (account, currency) DO UPDATE SET minor = excluded.minor, position = excluded.position",
        )
        .bind(self.accounts)
        .bind(self.currencies)
        .bind(self.minors)
        .bind(self.positions)
        .execute(connection)
        .await?;
        Ok(())
    }
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
