//! `evidence_files`: where evidence lies and what clients noted with it. A side table: in no event.

use sqlx::PgConnection;
use types::EvidenceId;

/// The file of a piece of evidence.
#[derive(Debug)]
pub(crate) struct EvidenceFile {
    pub evidence: EvidenceId,
    /// As it came open; sealed it stands with the evidence.
    pub file_url: Option<String>,
    /// As it came open.
    pub metadata: Option<String>,
    /// As its edge sealed it.
    pub sealed_metadata: Option<Vec<u8>>,
}

/// Writes the files of evidence as it was shown last.
pub(crate) async fn save(
    connection: &mut PgConnection,
    files: &[EvidenceFile],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, files => "evidence_files" {
        evidence_id: text = |f| f.evidence.to_string(),
        file_url: text = |f| f.file_url.clone(),
        metadata: text = |f| f.metadata.clone(),
        sealed_metadata: bytea = |f| f.sealed_metadata.clone(),
    } on (evidence_id) set (file_url, metadata, sealed_metadata))
    .await
}

/// Deletes what these partners showed.
pub(crate) async fn erase(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM evidence_files f USING evidence e
          WHERE e.id = f.evidence_id AND e.partner_id = ANY($1)",
    )
    .bind(partners)
    .execute(connection)
    .await?;
    Ok(())
}
