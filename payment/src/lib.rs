//! Payment: the ledger, balances and payouts.

pub mod domain;
