//! `brand_funds`: whether brands are out of funds, as payment states it.

use runtime::column;
use sqlx::{FromRow, PgConnection, PgPool};
use types::{BrandId, Currency, Micros};

/// Which brand, in which currency.
pub(crate) type Key = (BrandId, Currency);

#[derive(Debug, FromRow)]
struct Row {
    brand_id: String,
    currency: String,
    exhausted: bool,
}

/// Of the brands of these campaigns, in their currencies.
pub(crate) async fn load(
    connection: &mut PgConnection,
    campaigns: &[String],
) -> Result<Vec<(Key, bool)>, sqlx::Error> {
    let sql = "SELECT DISTINCT f.brand_id, f.currency, f.exhausted
           FROM brand_funds f JOIN campaigns c USING (brand_id, currency) WHERE c.id = ANY($1)";
    let rows: Vec<Row> = runtime::load_rows(connection, sql, campaigns).await?;
    let read = |row: Row| {
        let brand = column("brand_id", BrandId::parse(row.brand_id))?;
        let currency = column("currency", Currency::parse(&row.currency))?;
        Ok(((brand, currency), row.exhausted))
    };
    rows.into_iter().map(read).collect()
}

/// A row to write, with the position of the event that says it.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) key: Key,
    pub(crate) exhausted: bool,
    pub(crate) position: i64,
}

/// Writes what is so now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    rows: &[Adopted],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "brand_funds" {
        brand_id: text = |row| row.key.0.as_str(),
        currency: text = |row| row.key.1.code(),
        exhausted: bool = |row| row.exhausted,
        position: bigint = |row| row.position,
    } on (brand_id, currency) set (exhausted, position))
    .await
}

/// A campaign that stands otherwise than its brand's funds have it.
#[derive(Debug, FromRow)]
pub(crate) struct Behind {
    pub(crate) id: String,
    /// Where in the log the brand's funds changed.
    pub(crate) since: i64,
    pub(crate) ends_at: Option<i64>,
}

/// The active campaigns of brands that are out of funds, and those that are paused for it and need not be, behind so many of
/// them.
pub(crate) async fn behind(
    pool: &PgPool,
    now: Micros,
    passed: i64,
    limit: i64,
) -> Result<Vec<Behind>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.id, f.position AS since, c.ends_at FROM brand_funds f JOIN campaigns c USING (brand_id, currency)
          WHERE f.exhausted AND c.status = 'active'
          UNION ALL
         SELECT c.id, f.position, c.ends_at FROM campaigns c JOIN brand_funds f USING (brand_id, currency)
          WHERE c.pause_reason = 'out_of_funds' AND c.status = 'paused' AND NOT f.exhausted
            AND (c.ends_at IS NULL OR c.ends_at > $1)
          ORDER BY since, id OFFSET $2 LIMIT $3",
    )
    .bind(now.get())
    .bind(passed)
    .bind(limit)
    .fetch_all(pool)
    .await
}
