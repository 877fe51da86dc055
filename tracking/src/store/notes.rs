//! `report_notes`: what clients note beside a report. In no event, and erasable.

use sqlx::PgConnection;
use types::Uuid;

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
    messaging::insert_rows!(connection, rows => "report_notes" {
        command_id: uuid = |row| row.command,
        conversion_id: uuid = |row| row.conversion,
        product_id: text = |row| row.product_id.as_deref(),
        metadata: text = |row| row.metadata.as_deref(),
    } "ON CONFLICT (command_id) DO NOTHING")
    .await
}
