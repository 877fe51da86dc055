//! What only the leader runs.

mod erasing;

pub(crate) use erasing::Erase;
