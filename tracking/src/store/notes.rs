//! `report_notes`: what clients note beside a report. In no event, and erasable.

use sqlx::PgConnection;
use types::{BrandId, Micros, Uuid};

use crate::domain::UserHash;

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
    /// Whose it is.
    pub user: Option<UserHash>,
    /// Whose visitor, where that is known.
    pub brand: Option<BrandId>,
}

/// Saves notes.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[Note],
    now: Micros,
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "report_notes" {
        command_id: uuid = |row| row.command,
        conversion_id: uuid = |row| row.conversion,
        product_id: text = |row| row.product_id.as_deref(),
        metadata: text = |row| row.metadata.as_deref(),
        user_hash: bytea = |row| row.user.as_ref().map(|user| user.0.as_slice()),
        brand_id: text = |row| row.brand.as_ref().map(BrandId::as_str),
        noted_at: bigint = |_| now.0,
    } "ON CONFLICT (command_id) DO NOTHING")
    .await
}
