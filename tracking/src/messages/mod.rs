//! Wire records to domain values and back.

mod events;
mod incoming;
#[cfg(test)]
mod tests;

pub use incoming::{Read, access, conversion_of, event_outcome, event_outcomes, read};
