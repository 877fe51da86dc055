//! SQL: one file per table, set-based, functions that take a connection.

pub(crate) mod accounts;
pub(crate) mod balances;
pub(crate) mod bank_transfers;
pub(crate) mod billing;
pub(crate) mod calls;
pub(crate) mod encrypted;
pub(crate) mod owed;
pub(crate) mod payout_details;
pub(crate) mod payouts;
pub(crate) mod proof;
pub(crate) mod sealing_keys;
pub(crate) mod statements;
pub(crate) mod switch;
pub(crate) mod transfers;
pub(crate) mod waiting;

/// A row that this build cannot read: someone else wrote it, or the database is damaged.
pub(crate) fn unreadable(what: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::Decode(what.to_string().into())
}
