//! `bank_transfers`: deposits and withdrawals, each with how far it is.

use chassis::page::PageQuery;
use runtime::lists;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, QueryBuilder, Row as _};
use types::{AccountName, BankFailure, BankReference, BrandId, Currency, Micros, Money};

use super::unreadable;
use crate::domain::{BankTransfer, Progress, Way};

/// Which way, and its id.
pub(crate) type Key = (Way, String);
/// One to write.
pub(crate) type Row<'a> = (&'a Key, &'a BankTransfer);

const fn way_name(way: Way) -> &'static str {
    match way {
        Way::Deposit => "deposit",
        Way::Withdrawal => "withdrawal",
    }
}

fn read(row: &PgRow) -> Result<(Key, BankTransfer), sqlx::Error> {
    let way = match row.try_get("way")? {
        "deposit" => Way::Deposit,
        "withdrawal" => Way::Withdrawal,
        other => return Err(unreadable(other)),
    };
    let text = |column| row.try_get::<Option<String>, _>(column);
    let currency = Currency::parse(row.try_get("currency")?).map_err(unreadable)?;
    let progress: &str = row.try_get("progress")?;
    let reason = text("reason")?
        .map(|reason| BankFailure::parse(&reason).ok_or_else(|| unreadable(reason.clone())));
    let transfer = BankTransfer {
        brand: BrandId::parse(row.try_get::<String, _>("brand")?).map_err(unreadable)?,
        account: text("account")?
            .map(AccountName::parse)
            .transpose()
            .map_err(unreadable)?,
        amount: Money::new(row.try_get("minor")?, currency),
        reference: text("reference")?
            .map(BankReference::parse)
            .transpose()
            .map_err(unreadable)?,
        progress: Progress::parse(progress).ok_or_else(|| unreadable(progress))?,
        reason: reason.transpose()?,
        began_at: Micros(row.try_get("began_at")?),
        updated_at: Micros(row.try_get("updated_at")?),
        position: row.try_get("position")?,
    };
    Ok(((way, row.try_get("id")?), transfer))
}

/// Those of these that there are, whichever way they go.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<(Key, BankTransfer)>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM bank_transfers WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Writes them as they are now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "bank_transfers" {
        way: text = |row| way_name(row.0.0),
        id: text = |row| row.0.1.as_str(),
        position: bigint = |row| row.1.position,
        brand: text = |row| row.1.brand.as_str(),
        account: text = |row| row.1.account.as_ref().map(AccountName::as_str),
        minor: bigint = |row| row.1.amount.minor,
        currency: text = |row| row.1.amount.currency.code(),
        reference: text = |row| row.1.reference.as_ref().map(BankReference::as_str),
        progress: text = |row| row.1.progress.name(),
        reason: text = |row| row.1.reason.map(BankFailure::name),
        began_at: bigint = |row| row.1.began_at.get(),
        updated_at: bigint = |row| row.1.updated_at.get(),
    } on (way, id) set (progress, reason, updated_at))
    .await
}

/// A page of deposits, or withdrawals, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    way: Way,
    brand: Option<&BrandId>,
    progress: Option<Progress>,
    page: PageQuery,
) -> Result<Vec<(Key, BankTransfer)>, sqlx::Error> {
    let mut sql = QueryBuilder::new("");
    let in_progress = lists::in_state("progress", progress.map(Progress::name));
    let narrowing = [
        ("way", Some(way_name(way))),
        ("brand", brand.map(BrandId::as_str)),
    ];
    let all = ("SELECT * FROM bank_transfers", "position");
    lists::push_page(&mut sql, all, page, in_progress, &narrowing);
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

/// One of them.
pub(crate) async fn find(
    pool: &PgPool,
    way: Way,
    id: &str,
) -> Result<Option<BankTransfer>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM bank_transfers WHERE way = $1 AND id = $2")
        .bind(way_name(way))
        .bind(id)
        .fetch_optional(pool)
        .await?;
    let found = row.as_ref().map(read).transpose()?;
    Ok(found.map(|(_, transfer)| transfer))
}
