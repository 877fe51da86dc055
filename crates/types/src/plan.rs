//! What a conversion earns, for how long a click counts, and by which version of a campaign's terms.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BasisPoints, Currency, Money};

/// What is wrong with a value, for the person who gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);

/// What one conversion earns at most, in minor units: one brand's alone do not fill an account that others' are for as well.
pub const MAX_EARNED: i64 = 1_000_000_000_000;

/// What one conversion earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earning {
    /// A share of the order's amount.
    Rate(BasisPoints),
    /// The same for every one; more than zero.
    Flat(Money),
}

impl Earning {
    /// An earning of a rate in basis points or a flat amount: exactly one of them, or neither for none at all.
    pub fn new(bps: Option<i32>, flat: Option<Money>) -> Result<Option<Self>, Invalid> {
        match (bps, flat) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Invalid("must have either bps or flat, not both")),
            (Some(bps), None) => BasisPoints::new(bps)
                .map(|rate| Some(Self::Rate(rate)))
                .ok_or(Invalid("must be 0 to 10000 basis points")),
            (None, Some(flat)) if flat.minor > 0 => Ok(Some(Self::Flat(flat))),
            (None, Some(_)) => Err(Invalid("must be more than zero")),
        }
    }

    /// The rate in basis points, when it is a share.
    pub const fn bps(self) -> Option<i32> {
        match self {
            Self::Rate(rate) => Some(rate.get()),
            Self::Flat(_) => None,
        }
    }

    /// The flat amount, when it is one.
    pub const fn flat(self) -> Option<Money> {
        match self {
            Self::Rate(_) => None,
            Self::Flat(money) => Some(money),
        }
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($range:expr, $refusal:literal))+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "i32", into = "i32")]
        pub struct $name(i32);

        impl $name {
            /// Takes a number in its range.
            pub fn new(number: i32) -> Result<Self, Invalid> {
                if ($range).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(Invalid($refusal))
                }
            }

            /// The number.
            pub const fn get(self) -> i32 {
                self.0
            }
        }

        impl TryFrom<i32> for $name {
            type Error = Invalid;

            fn try_from(number: i32) -> Result<Self, Invalid> {
                Self::new(number)
            }
        }

        impl From<$name> for i32 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

numbers! {
    /// Days from a click within which a conversion is attributed to it: 1 to 365.
    WindowDays(1..=365, "must be 1 to 365 days")
    /// Days until a commission is earned for good: 0 (at once) to 365.
    HoldDays(0..=365, "must be 0 to 365 days")
    /// Which of a campaign's terms: counts from 1.
    TermsVersion(1.., "must be 1 or more")
}

impl TermsVersion {
    /// The first one of every campaign.
    pub const FIRST: Self = Self(1);

    /// The one after it; `None` after two thousand million.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// What conversions earn: at least one kind of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    sale: Option<Earning>,
    lead: Option<Earning>,
    hold: HoldDays,
}

impl Plan {
    /// A plan under which something is earned.
    pub fn new(
        sale: Option<Earning>,
        lead: Option<Earning>,
        hold: HoldDays,
    ) -> Result<Self, Invalid> {
        if sale.is_none() && lead.is_none() {
            return Err(Invalid(
                "must say what a sale or a lead earns, or what both do",
            ));
        }
        Ok(Self { sale, lead, hold })
    }

    /// What a sale earns.
    pub const fn sale(&self) -> Option<Earning> {
        self.sale
    }

    /// What a lead earns.
    pub const fn lead(&self) -> Option<Earning> {
        self.lead
    }

    /// How long commissions are held.
    pub const fn hold(&self) -> HoldDays {
        self.hold
    }

    /// Whether no conversion earns more than [`MAX_EARNED`] at once: plans were published that promise more. An error has the field that does.
    pub fn check_amounts(&self) -> Result<(), (&'static str, Invalid)> {
        for (earning, pointer) in [
            (self.sale, "/plan/sale/flat/amount"),
            (self.lead, "/plan/lead/flat/amount"),
        ] {
            let flat = earning.and_then(Earning::flat);
            if flat.is_some_and(|flat| flat.minor > MAX_EARNED) {
                return Err((pointer, Invalid("is too large")));
            }
        }
        Ok(())
    }

    /// The first flat amount that is of another currency, with the field that holds it.
    pub fn stranger_to(&self, currency: Currency) -> Option<(Money, &'static str)> {
        [
            (self.sale, "/plan/sale/flat/currency"),
            (self.lead, "/plan/lead/flat/currency"),
        ]
        .into_iter()
        .filter_map(|(earning, pointer)| Some((earning?.flat()?, pointer)))
        .find(|(flat, _)| flat.currency != currency)
    }
}
