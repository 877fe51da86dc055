//! Commission's tables: SQL, one file for each.

pub(crate) mod commissions;
mod holds;
pub(crate) mod plans;
pub(crate) mod reversals;

pub use commissions::{CommissionRow, Filter, find, list};
pub use holds::{DueHold, due};
pub use reversals::{ReversalRow, of_commission};
