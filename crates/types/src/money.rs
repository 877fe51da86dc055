//! An amount of a currency.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::{AmountError, ArithmeticError, BasisPoints, Currency, mul_div_half_even};

/// A count of the minor unit of a currency: 150.00 USD is `minor` 15000. May be negative; who needs it positive asks
/// for that with [`Money::parse_positive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How many of the smallest unit.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// So many of the smallest unit of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads plain decimal text with at most the currency's decimals; trailing zeros beyond them are allowed.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        decimal::parse(text, currency.digits()).map(|minor| Self::new(minor, currency))
    }

    /// As [`Money::parse`], and more than zero.
    pub fn parse_positive(text: &str, currency: Currency) -> Result<Self, AmountError> {
        match Self::parse(text, currency)? {
            Self { minor: ..0, .. } => Err(AmountError::Negative),
            Self { minor: 0, .. } => Err(AmountError::Zero),
            money => Ok(money),
        }
    }

    /// The sum; both must be of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, ArithmeticError> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(ArithmeticError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference; both must be of one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, ArithmeticError> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_sub(other.minor)
            .ok_or(ArithmeticError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The same amount the other way.
    pub fn checked_neg(self) -> Result<Self, ArithmeticError> {
        let minor = self.minor.checked_neg().ok_or(ArithmeticError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// So many basis points of it, rounded half-even to the minor unit.
    pub fn share(self, rate: BasisPoints) -> Result<Self, ArithmeticError> {
        let minor = mul_div_half_even(self.minor, i64::from(rate.get()), BasisPoints::WHOLE)?;
        Ok(Self { minor, ..self })
    }

    fn same_currency(self, other: Self) -> Result<(), ArithmeticError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(ArithmeticError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            })
        }
    }
}

impl fmt::Display for Money {
    /// The decimal number with the currency's digits and without its code: `150.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, self.minor, self.currency.digits())
    }
}
