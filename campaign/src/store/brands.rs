//! `brands`: brands themselves.

use runtime::brands::BrandRow;
use runtime::column;
use sqlx::PgConnection;
use types::{BrandId, Currency, Micros};

use crate::domain::{Brand, Place};

impl TryFrom<BrandRow> for Brand {
    type Error = sqlx::Error;

    fn try_from(row: BrandRow) -> Result<Self, sqlx::Error> {
        let currency = row.currency.as_deref().map(Currency::parse);
        Ok(Self {
            id: column("id", BrandId::parse(row.id))?,
            sealed_name: row.sealed_name,
            currency: column("currency", currency.transpose())?,
            seen: Place {
                time: Micros(row.seen_at),
                position: row.position,
            },
            changed_at: row.changed_at.map(Micros),
        })
    }
}

/// Those of these that there are.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<Vec<Brand>, sqlx::Error> {
    let sql = "SELECT * FROM brands WHERE id = ANY($1)";
    runtime::load::<BrandRow, _>(connection, sql, ids).await
}

/// Writes brands as they stand now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    brands: &[&Brand],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, brands => "brands" {
        id: text = |b| b.id.to_string(),
        position: bigint = |b| b.seen.position,
        sealed_name: bytea = |b| b.sealed_name.clone(),
        currency: text = |b| b.currency.map(Currency::code),
        seen_at: bigint = |b| b.seen.time.get(),
        changed_at: bigint = |b| b.changed_at.map(Micros::get),
    } on (id) set (sealed_name, currency, changed_at))
    .await
}
