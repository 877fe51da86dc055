//! The tables of the bff, one file each.

pub(crate) mod balances;
pub(crate) mod bans;
pub(crate) mod claims;
pub(crate) mod commands;
pub(crate) mod commissions;
pub(crate) mod enrollments;
pub(crate) mod outcomes;
pub(crate) mod payouts;
pub(crate) mod sealing_keys;

/// One column of many rows, as UNNEST takes it.
pub(crate) fn each<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}
