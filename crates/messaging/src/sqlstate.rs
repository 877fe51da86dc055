//! Whose fault a database error is: one table.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;

/// What to do about a failed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A dependency is away: wait, and try the same batch again. Never counted against a message.
    Outage,
    /// Too much at once: try less. Of one message alone: wait, and count it only if that does not help.
    TooLarge,
    /// Some message of the batch carries it: find out which by handling them one by one.
    Message,
}

/// Whether a failed read is nobody's fault here: asking again later may be answered.
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        // A table or column that is not there: for a message it may come with the next deployment, for a request it is a bug.
        sqlx::Error::Database(database)
            if database.code().is_some_and(|code| code.starts_with("42")) =>
        {
            false
        }
        sqlx::Error::ColumnNotFound(_) | sqlx::Error::ColumnIndexOutOfBounds { .. } => false,
        error => fault(error) != Fault::Message,
    }
}

/// When a statement that a connection had prepared was found to be of a table that has other columns since, or one was not answered any more.
static OUTDATED: Mutex<Option<Instant>> = Mutex::new(None);
/// `feature_not_supported`: "cached plan must not change result type".
const CHANGED_RESULT: &str = "0A000";

/// Whether a connection of this age may have prepared statements of tables that have other columns since, as a newer build's migrations give
/// them: it would be refused for each of them as long as it lives. Of such a table it is known once a statement was refused. Nor is a connection used
/// that was there when another was not answered any more.
pub fn is_outdated(age: Duration) -> bool {
    let found = *OUTDATED.lock().unwrap_or_else(PoisonError::into_inner);
    found.is_some_and(|found| found.elapsed() <= age)
}

/// `lock_not_available` and `deadlock_detected`.
const LOCKED: [&str; 2] = ["55P03", "40P01"];

/// Whether somebody had a lock for longer than was waited for, or waited for one of this transaction's.
pub fn is_locked(error: &(dyn DatabaseError + 'static)) -> bool {
    error.code().is_some_and(|code| LOCKED.contains(&&*code))
}

/// Notes what an error says of the connection's prepared statements: for who tries again and does not judge it.
pub(crate) fn note(error: &sqlx::Error) {
    let database = error.as_database_error();
    let code = database.and_then(DatabaseError::code);
    if code.as_deref() == Some(CHANGED_RESULT) {
        outdate_connections();
    }
}

/// From now on no connection is used that there is.
pub(crate) fn outdate_connections() {
    *OUTDATED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Judges an error by its SQLSTATE class (`PostgreSQL` documentation, appendix A).
pub fn fault(error: &sqlx::Error) -> Fault {
    note(error);
    match error {
        sqlx::Error::Database(database) => {
            database.code().map_or(Fault::Outage, |code| of_code(&code))
        }
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_)
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::RowNotFound => Fault::Message,
        _ => Fault::Outage,
    }
}

/// Judges a SQLSTATE.
pub fn of_code(code: &str) -> Fault {
    match code.get(..2).unwrap_or("") {
        // data exception; cardinality violation; integrity constraint; program limit (a value too large for an index)
        "21" | "22" | "23" | "54" => Fault::Message,
        // statement_timeout: try less, and count it only of what times out alone again and again; but a shutdown's 57P is an outage
        "57" if code == "57014" => Fault::TooLarge,
        // transaction_timeout: many statements, each in time
        "25" if code == "25P04" => Fault::TooLarge,
        // 08 connection, 53 resources, 57P operator intervention, 55P lock, 40 rollback, 25 state, 58 system,
        // 42 missing table or column (deploy order), and whatever is unheard of: nobody's message
        _ => Fault::Outage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_never_a_messages_fault_and_bad_data_always_is() {
        for code in [
            "08006", "53300", "57P01", "57P03", "55P03", "40001", "40P01", "25006", "25P03",
            "58030", "42P01", "42703", "28P01",
        ] {
            assert_eq!(of_code(code), Fault::Outage, "{code}");
        }
        for code in ["21000", "22021", "22003", "23505", "23514", "54000"] {
            assert_eq!(of_code(code), Fault::Message, "{code}");
        }
        assert_eq!(of_code("57014"), Fault::TooLarge);
        assert_eq!(of_code("25P04"), Fault::TooLarge);
    }
}
