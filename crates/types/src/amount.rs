//! An amount whose currency is not known yet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::decimal;
use crate::{AmountError, Currency, Money};

/// A decimal of at most 18 digits, 4 of them behind the point, not negative, not yet bound to a currency. It is what a
/// tracked event says before its campaign is known; on the wire it is its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    ten_thousandths: i64,
}

const DECIMALS: u32 = 4;
const MAX: i64 = 999_999_999_999_999_999;

impl Amount {
    /// Reads plain decimal text, such as `100.0` or `0.1234`.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let ten_thousandths = decimal::parse(text, DECIMALS)?;
        match ten_thousandths {
            ..0 => Err(AmountError::Negative),
            0..=MAX => Ok(Self { ten_thousandths }),
            _ => Err(AmountError::OutOfRange),
        }
    }

    /// The amount in `currency`; refused when it has more decimals than the currency.
    pub fn into_money(self, currency: Currency) -> Result<Money, AmountError> {
        let divisor = 10_i64.pow(DECIMALS - currency.digits());
        if self.ten_thousandths % divisor != 0 {
            return Err(AmountError::TooPrecise {
                allowed: currency.digits(),
                given: self.decimals(),
            });
        }
        Ok(Money::new(self.ten_thousandths / divisor, currency))
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.ten_thousandths == 0
    }

    fn decimals(self) -> usize {
        match self.ten_thousandths {
            units if units % 10_000 == 0 => 0,
            units if units % 1_000 == 0 => 1,
            units if units % 100 == 0 => 2,
            units if units % 10 == 0 => 3,
            _ => 4,
        }
    }
}

impl fmt::Display for Amount {
    /// As few decimals as say it: `100`, `0.5`, `0.1234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = u32::try_from(self.decimals()).unwrap_or(DECIMALS);
        decimal::write(
            f,
            self.ten_thousandths / 10_i64.pow(DECIMALS - decimals),
            decimals,
        )
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::parse(text)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal amount as text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                Amount::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}
