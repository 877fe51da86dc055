//! `campaign_names`: what campaigns are called.

use std::collections::HashMap;

use sqlx::PgConnection;

/// What these are called, as far as it is known.
pub(crate) async fn load(
    connection: &mut PgConnection,
    campaigns: &[String],
) -> Result<HashMap<String, String>, sqlx::Error> {
    let sql = "SELECT id, name FROM campaign_names WHERE id = ANY($1)";
    let rows: Vec<(String, String)> = runtime::load_rows(connection, sql, campaigns).await?;
    Ok(rows.into_iter().collect())
}

/// Keeps what they are called now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    names: &HashMap<String, String>,
) -> Result<(), sqlx::Error> {
    let names: Vec<(&String, &String)> = names.iter().collect();
    messaging::insert_rows!(connection, names => "campaign_names" {
        id: text = |(id, _)| (*id).clone(),
        name: text = |(_, name)| (*name).clone(),
    } on (id) set (name))
    .await
}
