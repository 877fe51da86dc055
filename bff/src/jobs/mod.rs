//! What only the leader runs.

mod summing;

pub use summing::SumReports;
