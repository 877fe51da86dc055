//! Whose money it is.

use std::fmt;
use std::str::FromStr;

pub use types::AccountType;
use types::{BrandId, Currency, InvalidId, Money, PartnerId};

/// An account of the ledger. Its text is `brand:<id>:funds` or `partner:<id>:<account_type>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a brand has put in less what its partners earned; below zero is what it owes.
    BrandFunds(BrandId),
    /// A partner's money.
    Partner(PartnerId, AccountType),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrandFunds(brand) => write!(f, "brand:{brand}:funds"),
            Self::Partner(partner, account_type) => {
                write!(f, "partner:{partner}:{}", account_type.name())
            }
        }
    }
}

impl FromStr for Account {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split(':');
        let (Some(owner), Some(id), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidId);
        };
        match (owner, name) {
            ("brand", "funds") => BrandId::parse(id).map(Self::BrandFunds),
            ("partner", name) => {
                let account_type = AccountType::parse(name).ok_or(InvalidId)?;
                Ok(Self::Partner(PartnerId::parse(id)?, account_type))
            }
            _ => Err(InvalidId),
        }
    }
}

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
