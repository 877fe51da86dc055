//! What only the leader runs.

pub mod payouts;
mod reencryption;
mod sealing_key;

pub use reencryption::Reencryption;
pub use sealing_key::SealingKeyKeeper;
