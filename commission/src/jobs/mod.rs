//! What only the leader runs.

mod holds;

pub(crate) use holds::ReleaseHolds;
