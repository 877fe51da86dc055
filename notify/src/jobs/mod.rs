//! What only the leader runs.

mod keeping;
mod schedule;
mod sender;

pub(crate) use keeping::KeepBounds;
pub(crate) use sender::Sender;
