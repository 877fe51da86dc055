//! Commission's tables: SQL, one file for each.

mod commissions;
mod holds;
mod plans;
mod reversals;
mod world;

pub use commissions::{CommissionRow, Filter, find, list};
pub use holds::{DueHold, due};
pub use reversals::{ReversalRow, of_commission};
pub use world::{World, load, save};
