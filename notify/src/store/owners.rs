//! `campaign_owners`: whose campaigns are, of which later events do not say it.

use std::collections::HashMap;

use sqlx::PgConnection;

/// Whose these are, as far as it is known.
pub(crate) async fn load(
    connection: &mut PgConnection,
    campaigns: &[String],
) -> Result<HashMap<String, String>, sqlx::Error> {
    let sql = "SELECT id, brand_id FROM campaign_owners WHERE id = ANY($1)";
    let rows: Vec<(String, String)> = runtime::load_rows(connection, sql, campaigns).await?;
    Ok(rows.into_iter().collect())
}

/// Keeps it: whose one is was decided once, and a repeat says the same.
pub(crate) async fn save(
    connection: &mut PgConnection,
    found: &[(String, String)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, found => "campaign_owners" {
        id: text = |(id, _)| id.clone(),
        brand_id: text = |(_, brand)| brand.clone(),
    } "ON CONFLICT DO NOTHING")
    .await
}
