//! What only the leader runs.

mod erasing;
mod summing;

pub(crate) use erasing::Erase;
pub(crate) use summing::SumClicks;
