//! Whose money it is.

use std::fmt;
use std::str::FromStr;

use crate::{AccountName, AccountType, BrandId, InvalidId, PartnerId};

/// What stands for the bank's side of deposits and withdrawals.
const BANK: &str = "bank:main:cash";

/// An account of the ledger. Its text is its owner's, `brand:<id>` or `partner:<id>`, and its own: `brand:<id>:funds`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a brand has put in less what its partners earned; below zero is what it owes.
    BrandFunds(BrandId),
    /// An account of the brand's own beside its funds: `brand:<id>:funds.<name>`.
    Named(BrandId, AccountName),
    /// What a brand's partners have earned and its funds did not cover: never above zero.
    BrandUnfunded(BrandId),
    /// A brand's money on its way from or to its bank.
    BrandClearing(BrandId),
    /// What refunds took back of a brand's partners after they had been paid, and they have not earned again yet.
    BrandRecoverable(BrandId),
    /// A partner's money.
    Partner(PartnerId, AccountType),
    /// The world outside: below zero by what brands have put in and not taken out.
    Bank,
}

impl Account {
    /// A brand's account of that name; without one its funds.
    pub fn of_brand(brand: &BrandId, name: Option<&AccountName>) -> Self {
        match name {
            Some(name) if !name.is_default() => Self::Named(brand.clone(), name.clone()),
            _ => Self::BrandFunds(brand.clone()),
        }
    }

    /// Those that a brand can have without opening them.
    pub fn every_brands(brand: &BrandId) -> [Self; 4] {
        [
            Self::BrandFunds(brand.clone()),
            Self::BrandUnfunded(brand.clone()),
            Self::BrandClearing(brand.clone()),
            Self::BrandRecoverable(brand.clone()),
        ]
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrandFunds(brand) => write!(f, "brand:{brand}:funds"),
            Self::Named(brand, name) => write!(f, "brand:{brand}:funds.{name}"),
            Self::BrandUnfunded(brand) => write!(f, "brand:{brand}:unfunded"),
            Self::BrandClearing(brand) => write!(f, "brand:{brand}:clearing"),
            Self::BrandRecoverable(brand) => write!(f, "brand:{brand}:recoverable"),
            Self::Partner(partner, account_type) => {
                write!(f, "partner:{partner}:{}", account_type.name())
            }
            Self::Bank => f.write_str(BANK),
        }
    }
}

impl FromStr for Account {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text == BANK {
            return Ok(Self::Bank);
        }
        let mut parts = text.split(':');
        let (Some(owner), Some(id), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidId);
        };
        match (owner, name) {
            ("brand", "funds") => BrandId::parse(id).map(Self::BrandFunds),
            ("brand", "unfunded") => BrandId::parse(id).map(Self::BrandUnfunded),
            ("brand", "clearing") => BrandId::parse(id).map(Self::BrandClearing),
            ("brand", "recoverable") => BrandId::parse(id).map(Self::BrandRecoverable),
            ("brand", name) => {
                let name = name.strip_prefix("funds.").ok_or(InvalidId)?;
                let name = AccountName::parse(name)?;
                if name.is_default() {
                    return Err(InvalidId);
                }
                Ok(Self::Named(BrandId::parse(id)?, name))
            }
            ("partner", name) => {
                let account_type = AccountType::parse(name).ok_or(InvalidId)?;
                Ok(Self::Partner(PartnerId::parse(id)?, account_type))
            }
            _ => Err(InvalidId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn an_account_is_read_from_its_text() {
        let texts = [
            "brand:b1:funds",
            "brand:b1:funds.reserve",
            "brand:b1:unfunded",
            "brand:b1:clearing",
            "brand:b1:recoverable",
            "partner:p1:unfunded",
            "partner:p1:in_transit",
            "bank:main:cash",
        ];
        for text in texts {
            let account: Result<Account, _> = text.parse();
            assert_eq!(
                account.map(|account| account.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "brand:b1:funds.default",
            "brand:b1:funds.",
            "brand:b1:pending",
            "bank:other:cash",
        ] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }
}
