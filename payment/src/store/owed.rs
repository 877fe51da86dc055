//! `owed`: what partners had been paid before refunds took it back.

use sqlx::{PgConnection, Row as _};
use types::{BrandId, Currency, PartnerId};

use super::unreadable;
use crate::domain::Owed;

/// Who owes, in which currency, to whom.
pub(crate) type Key = (PartnerId, Currency, BrandId);

/// What these partners owe.
pub(crate) async fn load(
    connection: &mut PgConnection,
    partners: &[String],
) -> Result<Vec<(Key, Owed)>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM owed WHERE partner = ANY($1)")
        .bind(partners)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let text = |column| row.try_get::<String, _>(column);
            let key = (
                PartnerId::parse(text("partner")?).map_err(unreadable)?,
                Currency::parse(row.try_get("currency")?).map_err(unreadable)?,
                BrandId::parse(text("brand")?).map_err(unreadable)?,
            );
            let owed = Owed {
                minor: row.try_get("minor")?,
                position: row.try_get("position")?,
            };
            Ok((key, owed))
        })
        .collect()
}

/// Writes what is owed, and takes away what is not any more.
pub(crate) async fn save(
    connection: &mut PgConnection,
    changed: &[(&Key, Option<&Owed>)],
) -> Result<(), sqlx::Error> {
    let gone: Vec<&Key> = changed
        .iter()
        .filter_map(|(key, owed)| owed.is_none().then_some(*key))
        .collect();
    if !gone.is_empty() {
        let texts = |of: fn(&Key) -> &str| gone.iter().map(|key| of(key)).collect::<Vec<_>>();
        sqlx::query(
            "DELETE FROM owed o USING UNNEST($1::text[], $2::text[], $3::text[]) AS g(partner, currency, brand)
              WHERE o.partner = g.partner AND o.currency = g.currency AND o.brand = g.brand",
        )
        .bind(texts(|(partner, _, _)| partner.as_str()))
        .bind(texts(|(_, currency, _)| currency.code()))
        .bind(texts(|(_, _, brand)| brand.as_str()))
        .execute(&mut *connection)
        .await?;
    }
    let rows: Vec<(&Key, &Owed)> = changed
        .iter()
        .filter_map(|(key, owed)| Some((*key, (*owed)?)))
        .collect();
    messaging::insert_rows!(connection, &rows => "owed" {
        partner: text = |row| row.0.0.as_str(),
        currency: text = |row| row.0.1.code(),
        brand: text = |row| row.0.2.as_str(),
        minor: bigint = |row| row.1.minor,
        position: bigint = |row| row.1.position,
    } on (partner, currency, brand) set (minor, position))
    .await
}
