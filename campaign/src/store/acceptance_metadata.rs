//! `acceptance_metadata`: what clients noted at an acceptance. A side table: in no event.

use money::EnrollmentId;
use sqlx::PgConnection;

use crate::domain::TermsVersion;

/// The note at one acceptance.
#[derive(Debug)]
pub(crate) struct AcceptanceNote {
    pub enrollment: EnrollmentId,
    pub version: TermsVersion,
    pub metadata: String,
}

/// Writes the notes of new acceptances.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    notes: &[AcceptanceNote],
) -> Result<(), sqlx::Error> {
    if notes.is_empty() {
        return Ok(());
    }
    let all = || notes.iter();
    sqlx::query(
        "INSERT INTO acceptance_metadata (enrollment_id, terms_version, metadata)
         SELECT * FROM unnest($1::text[], $2::int[], $3::text[])",
    )
    .bind(all().map(|n| n.enrollment.to_string()).collect::<Vec<_>>())
    .bind(all().map(|n| n.version.get()).collect::<Vec<_>>())
    .bind(all().map(|n| n.metadata.clone()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
