//! Campaign's tables: set-based SQL, one file per table.

pub(crate) mod acceptance_metadata;
pub(crate) mod campaigns;
pub(crate) mod enrollments;
pub(crate) mod evidence;
pub(crate) mod evidence_files;
pub(crate) mod plans;
pub(crate) mod terms;
pub(crate) mod terms_texts;

/// A row that no build of ours would have written.
fn corrupt(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "its value is out of the range that is ever written".into(),
    }
}

/// A value of a column, checked as at the edge.
fn column<T, E>(name: &str, value: Result<T, E>) -> Result<T, sqlx::Error> {
    value.map_err(|_| corrupt(name))
}
