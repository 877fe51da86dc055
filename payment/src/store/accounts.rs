//! `accounts`: those that brands have opened beside their funds.

use sqlx::{PgConnection, PgPool};
use types::{AccountName, BrandId, FundsAccountId, Micros};

use super::unreadable;

/// An account to write, with its place in the log.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: FundsAccountId,
    pub(crate) brand: BrandId,
    pub(crate) name: AccountName,
    pub(crate) position: i64,
    pub(crate) opened_at: Micros,
}

/// Those of these that there are.
pub(crate) async fn existing(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<FundsAccountId>, sqlx::Error> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM accounts WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let ids = ids.into_iter();
    ids.map(|id| FundsAccountId::parse(id).map_err(unreadable))
        .collect()
}

/// Writes new accounts.
pub(crate) async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "accounts" {
        id: text = |row| row.id.as_str(),
        brand: text = |row| row.brand.as_str(),
        name: text = |row| row.name.as_str(),
        position: bigint = |row| row.position,
        opened_at: bigint = |row| row.opened_at.get(),
    })
    .await
}

/// What a brand calls its accounts, the last opened first.
pub(crate) async fn names(pool: &PgPool, brand: &BrandId) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT name FROM accounts WHERE brand = $1 ORDER BY position DESC LIMIT 1000",
    )
    .bind(brand.as_str())
    .fetch_all(pool)
    .await
}
