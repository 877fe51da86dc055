//! What only the leader runs.

mod keeping;
mod schedule;
mod sender;

pub(crate) use keeping::{ForgetRemoved, KeepBounds};
pub(crate) use sender::Sender;
