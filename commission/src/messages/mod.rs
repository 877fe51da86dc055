//! Wire records to domain values and back.

mod events;
