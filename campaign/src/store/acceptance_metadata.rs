//! `acceptance_metadata`: what clients noted at an acceptance. A side table: in no event.

use sqlx::PgConnection;
use types::{EnrollmentId, TermsVersion};

/// The note at the last acceptance of a version: who left and comes again accepts it again.
#[derive(Debug)]
pub(crate) struct AcceptanceNote {
    pub enrollment: EnrollmentId,
    pub version: TermsVersion,
    pub metadata: String,
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
    } on (enrollment_id, terms_version) set (metadata))
    .await
}
