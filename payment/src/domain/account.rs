//! Whose money it is.

use std::fmt;
use std::str::FromStr;

use money::{BrandId, Currency, InvalidId, Money, PartnerId};

/// What a partner's money is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pot {
    /// Earned, and may still be taken back while it is on hold.
    Pending,
    /// Earned for good: what a payout can be asked of. Below zero when a reversal came after the payout.
    Payable,
    /// Reserved for a payout that is under way.
    InTransit,
    /// Has left.
    PaidOut,
    /// Could not be put where it belongs: an operator must look.
    Suspense,
}

impl Pot {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Payable,
        Self::InTransit,
        Self::PaidOut,
        Self::Suspense,
    ];

    /// The name in an account's text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Payable => "payable",
            Self::InTransit => "in_transit",
            Self::PaidOut => "paid_out",
            Self::Suspense => "suspense",
        }
    }
}

/// An account of the ledger. Its text is `brand:<id>:funds` or `partner:<id>:<pot>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a brand has put in less what its partners earned; below zero is what it owes.
    BrandFunds(BrandId),
    /// A partner's money.
    Partner(PartnerId, Pot),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrandFunds(brand) => write!(f, "brand:{brand}:funds"),
            Self::Partner(partner, pot) => write!(f, "partner:{partner}:{}", pot.name()),
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
                let pot = Pot::ALL.into_iter().find(|pot| pot.name() == name);
                Ok(Self::Partner(PartnerId::parse(id)?, pot.ok_or(InvalidId)?))
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
