//! Wire records to domain values and back.

mod emit;
mod own;
mod read;
#[cfg(test)]
mod tests;

pub use emit::emit;
pub use own::own_event;
pub use read::{Asked, access, conversion_of, event_outcome, event_outcomes, read, user_hash};
