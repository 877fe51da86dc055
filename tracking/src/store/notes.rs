//! `report_notes`: what clients note beside a report. In no event, and erasable.

use money::Uuid;
use sqlx::PgConnection;

use super::each;

/// A client's note.
#[derive(Debug)]
pub struct Note {
    /// The report's command.
    pub command: Uuid,
    /// The conversion that it names.
    pub conversion: Uuid,
    /// What was bought.
    pub product_id: Option<String>,
    /// JSON text.
    pub metadata: Option<String>,
}

/// Saves notes.
pub async fn save(connection: &mut PgConnection, rows: &[Note]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO report_notes (command_id, conversion_id, product_id, metadata)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[])
         ON CONFLICT (command_id) DO NOTHING",
    )
    .bind(each(rows, |row| row.command))
    .bind(each(rows, |row| row.conversion))
    .bind(each(rows, |row| row.product_id.as_deref()))
    .bind(each(rows, |row| row.metadata.as_deref()))
    .execute(connection)
    .await?;
    Ok(())
}
