//! `evidence_files`: where evidence lies and what clients noted with it. A side table: in no event.

use sqlx::PgConnection;
use types::EvidenceId;

/// The file of a piece of evidence.
#[derive(Debug)]
pub(crate) struct EvidenceFile {
    pub evidence: EvidenceId,
    pub file_url: String,
    pub metadata: Option<String>,
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
    } on (evidence_id) set (file_url, metadata))
    .await
}
