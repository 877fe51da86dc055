//! `evidence_files`: where evidence lies and what clients noted with it. A side table: in no event.

use money::EvidenceId;
use sqlx::PgConnection;

/// The file of a piece of evidence.
#[derive(Debug)]
pub(crate) struct EvidenceFile {
    pub evidence: EvidenceId,
    pub file_url: String,
    pub metadata: Option<String>,
}

/// Writes the files of new evidence.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    files: &[EvidenceFile],
) -> Result<(), sqlx::Error> {
    if files.is_empty() {
        return Ok(());
    }
    let all = || files.iter();
    sqlx::query(
        "INSERT INTO evidence_files (evidence_id, file_url, metadata)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[])",
    )
    .bind(all().map(|f| f.evidence.to_string()).collect::<Vec<_>>())
    .bind(all().map(|f| f.file_url.clone()).collect::<Vec<_>>())
    .bind(all().map(|f| f.metadata.clone()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
