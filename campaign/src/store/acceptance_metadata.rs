//! `acceptance_metadata`: what clients noted at an acceptance. A side table: in no event.

use sqlx::PgConnection;
use types::{EnrollmentId, TermsVersion};

/// The note at the last acceptance of a version: who left and comes again accepts it again.
#[derive(Debug)]
pub(crate) struct AcceptanceNote {
    pub enrollment: EnrollmentId,
    pub version: TermsVersion,
    /// As it came open.
    pub metadata: Option<String>,
    /// As its edge sealed it.
    pub sealed_metadata: Option<Vec<u8>>,
}

/// Writes the notes of new acceptances; at most one of each enrollment and version.
pub(crate) async fn save(
    connection: &mut PgConnection,
    notes: &[AcceptanceNote],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, notes => "acceptance_metadata" {
        enrollment_id: text = |n| n.enrollment.to_string(),
        terms_version: int = |n| n.version.get(),
        metadata: text = |n| n.metadata.clone(),
        sealed_metadata: bytea = |n| n.sealed_metadata.clone(),
    } on (enrollment_id, terms_version) set (metadata, sealed_metadata))
    .await
}

/// Deletes what these partners noted.
pub(crate) async fn erase(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM acceptance_metadata n USING enrollments e
          WHERE e.id = n.enrollment_id AND e.partner_id = ANY($1)",
    )
    .bind(partners)
    .execute(connection)
    .await?;
    Ok(())
}
