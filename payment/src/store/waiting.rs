//! `waiting`: the commissions that wait for their brands' funds.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use types::{BrandId, ConversionId, Currency, PartnerId};

use super::unreadable;
use crate::domain::{AccountType, Waiting};

/// Which commission, in which currency.
pub(crate) type Key = (ConversionId, Currency);

fn read(row: &PgRow) -> Result<(Key, Waiting), sqlx::Error> {
    let text = |column| row.try_get::<String, _>(column);
    let currency = Currency::parse(row.try_get("currency")?).map_err(unreadable)?;
    let stands: &str = row.try_get("stands")?;
    let waiting = Waiting {
        brand: BrandId::parse(text("brand")?).map_err(unreadable)?,
        partner: PartnerId::parse(text("partner")?).map_err(unreadable)?,
        minor: row.try_get("minor")?,
        stands: AccountType::parse(stands).ok_or_else(|| unreadable(stands))?,
        position: row.try_get("position")?,
    };
    let conversion = ConversionId::parse(text("conversion")?).map_err(unreadable)?;
    Ok(((conversion, currency), waiting))
}

/// Those of these commissions that wait.
pub(crate) async fn load(
    connection: &mut PgConnection,
    conversions: &[String],
) -> Result<Vec<(Key, Waiting)>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM waiting WHERE conversion = ANY($1)")
        .bind(conversions)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// So many of those that wait for a brand's funds, the first in first.
pub(crate) async fn first(
    connection: &mut PgConnection,
    brand: &BrandId,
    currency: Currency,
    limit: usize,
) -> Result<Vec<(Key, Waiting)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM waiting WHERE brand = $1 AND currency = $2 ORDER BY position LIMIT $3",
    )
    .bind(brand.as_str())
    .bind(currency.code())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Writes what waits, and takes away what does not any more.
pub(crate) async fn save(
    connection: &mut PgConnection,
    changed: &[(&Key, Option<&Waiting>)],
) -> Result<(), sqlx::Error> {
    let gone: Vec<&Key> = changed
        .iter()
        .filter_map(|(key, waiting)| waiting.is_none().then_some(*key))
        .collect();
    if !gone.is_empty() {
        let conversions: Vec<&str> = gone.iter().map(|(id, _)| id.as_str()).collect();
        let currencies: Vec<&str> = gone.iter().map(|(_, currency)| currency.code()).collect();
        sqlx::query(
            "DELETE FROM waiting w USING UNNEST($1::text[], $2::text[]) AS g(conversion, currency)
              WHERE w.conversion = g.conversion AND w.currency = g.currency",
        )
        .bind(conversions)
        .bind(currencies)
        .execute(&mut *connection)
        .await?;
    }
    let rows: Vec<(&Key, &Waiting)> = changed
        .iter()
        .filter_map(|(key, waiting)| Some((*key, (*waiting)?)))
        .collect();
    messaging::insert_rows!(connection, &rows => "waiting" {
        conversion: text = |row| row.0.0.as_str(),
        currency: text = |row| row.0.1.code(),
        brand: text = |row| row.1.brand.as_str(),
        partner: text = |row| row.1.partner.as_str(),
        minor: bigint = |row| row.1.minor,
        stands: text = |row| row.1.stands.name(),
        position: bigint = |row| row.1.position,
    } on (conversion, currency) set (minor, stands))
    .await
}
