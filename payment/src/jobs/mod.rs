//! What only the leader runs.

mod funding;
pub mod payouts;
mod reencryption;
mod sealing_key;
mod stated;
mod statements;

pub use funding::FundEarnings;
pub use reencryption::Reencryption;
pub use sealing_key::SealingKeyKeeper;
pub use stated::StateFunds;
pub use statements::IssueStatements;
