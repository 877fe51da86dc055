//! What a client gets when a database did not do as it was asked: one answer for all routes of all services.

use chassis::problem::{Problem, code};
use messaging::SchemaIdError;

/// 503 while the database is away, so that it is asked again; 500 for what asking again would not mend.
pub fn unread(error: &sqlx::Error) -> Problem {
    if !messaging::is_outage(error) {
        return Problem::internal(error);
    }
    tracing::warn!(%error, "the database does not answer a request");
    Problem::unavailable(
        code::DATABASE_UNAVAILABLE,
        "the database does not answer; try again",
        1,
    )
}

/// For what was asked of a database.
pub trait OrUnread<T> {
    /// What it answered, else [`unread`].
    ///
    /// # Errors
    /// It did not.
    fn or_unread(self) -> Result<T, Problem>;
}

impl<T> OrUnread<T> for Result<T, sqlx::Error> {
    fn or_unread(self) -> Result<T, Problem> {
        self.map_err(|error| unread(&error))
    }
}

/// The same of a writer schema that was looked up.
pub fn unread_schema(error: &SchemaIdError) -> Problem {
    match error {
        SchemaIdError::Sql(error) => unread(error),
        error @ SchemaIdError::Unusable { .. } => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_503_and_a_bug_is_500() {
        let status = |error: sqlx::Error| unread(&error).status().as_u16();
        assert_eq!(status(sqlx::Error::PoolTimedOut), 503);
        assert_eq!(status(std::io::Error::other("reset").into()), 503);
        assert_eq!(status(sqlx::Error::ColumnNotFound("x".to_owned())), 500);
        assert_eq!(status(sqlx::Error::Decode("no id".into())), 500);
    }
}
