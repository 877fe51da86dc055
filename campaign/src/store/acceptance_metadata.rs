//! `acceptance_metadata`: what clients noted at an acceptance. A side table: in no event.

use sqlx::PgConnection;
use types::{EnrollmentId, TermsVersion};

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
    messaging::insert_rows!(connection, notes => "acceptance_metadata" {
        enrollment_id: text = |n| n.enrollment.to_string(),
        terms_version: int = |n| n.version.get(),
        metadata: text = |n| n.metadata.clone(),
    })
    .await
}
