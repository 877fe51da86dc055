//! `command_notes`: what clients note beside the report of a visitor. It stands in no message and is erased on request.

use api::visitor::Hash;
use messaging::WriteTx;
use schemas::{Body, Written};
use types::BrandId;
use uuid::Uuid;

/// A client's note.
#[derive(Debug)]
pub(crate) struct Note {
    /// Who was reported.
    user: Option<Hash>,
    /// JSON text.
    metadata: String,
}

impl Note {
    /// Takes a report's note out of its message.
    pub(crate) fn take(command: &mut Written) -> Option<Self> {
        let Body::RecordEventV1(report) = &mut command.body else {
            return None;
        };
        let metadata = report.metadata.take()?;
        let visitor = report.visitor.as_ref();
        let user = visitor.and_then(|visitor| types::hash_of_hex(&visitor.hash));
        Some(Self { user, metadata })
    }
}

/// A note with the command that it stands beside.
#[derive(Debug)]
pub(crate) struct NewNote<'a> {
    pub(crate) command: Uuid,
    pub(crate) brand: Option<BrandId>,
    pub(crate) noted_at: i64,
    pub(crate) note: &'a Note,
}

/// Saves notes.
pub(crate) async fn save(tx: &mut WriteTx, rows: &[NewNote<'_>]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(tx.connection(), rows => "command_notes" {
        command_id: uuid = |row| row.command,
        brand_id: text = |row| row.brand.as_ref().map(BrandId::as_str),
        user_hash: bytea = |row| row.note.user.as_ref().map(<[u8; 32]>::as_slice),
        metadata: text = |row| row.note.metadata.as_str(),
        noted_at: bigint = |row| row.noted_at,
    })
    .await
}

/// Whose notes go: a visitor's, of a brand.
#[derive(Debug)]
pub(crate) struct Forget {
    pub(crate) brand: BrandId,
    pub(crate) visitor: Vec<Hash>,
}

/// Erases a visitor's notes: those that the brand left, and those of which it is not known whose visitor it is.
pub(crate) async fn forget(tx: &mut WriteTx, whom: &Forget) -> Result<(), sqlx::Error> {
    let hashes: Vec<&[u8]> = whom.visitor.iter().map(<[u8; 32]>::as_slice).collect();
    sqlx::query(
        "DELETE FROM command_notes WHERE user_hash = ANY($1) AND (brand_id IS NULL OR brand_id = $2)",
    )
    .bind(hashes)
    .bind(whom.brand.as_str())
    .execute(tx.connection())
    .await?;
    Ok(())
}
