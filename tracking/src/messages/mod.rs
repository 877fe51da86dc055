//! Wire records to domain values and back.

mod events;
mod read;
#[cfg(test)]
mod tests;

pub use read::{Read, access, conversion_of, event_outcome, event_outcomes, read, user_hash};
