//! Whose money it is.

pub use types::{Account, AccountType};
use types::{Currency, Money};

/// One account in one currency: an account's money is never mixed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Balance {
    /// Whose.
    pub account: Account,
    /// Of what.
    pub currency: Currency,
}

impl Balance {
    /// The balance that `money` in `account` counts in.
    pub fn of(account: Account, money: Money) -> Self {
        Self {
            account,
            currency: money.currency,
        }
    }
}
