//! What a conversion earns, and for how long a click counts.

use money::{BasisPoints, Currency, Money};

use super::Invalid;

/// What one conversion earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earning {
    /// A share of the order's amount.
    Share(BasisPoints),
    /// The same for every one; more than zero.
    Flat(Money),
}

impl Earning {
    /// An earning of a rate in basis points or a flat amount: exactly one of them, or neither for none at all.
    pub fn new(bps: Option<i32>, flat: Option<Money>) -> Result<Option<Self>, Invalid> {
        match (bps, flat) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Invalid("must have either bps or flat, not both")),
            (Some(bps), None) => BasisPoints::try_from(i64::from(bps))
                .map(|rate| Some(Self::Share(rate)))
                .map_err(|_| Invalid("must be 0 to 10000 basis points")),
            (None, Some(flat)) if flat.minor > 0 => Ok(Some(Self::Flat(flat))),
            (None, Some(_)) => Err(Invalid("must be more than zero")),
        }
    }

    /// The rate in basis points, when it is a share.
    pub fn bps(self) -> Option<i32> {
        match self {
            Self::Share(rate) => i32::try_from(rate.get()).ok(),
            Self::Flat(_) => None,
        }
    }

    /// The flat amount, when it is one.
    pub const fn flat(self) -> Option<Money> {
        match self {
            Self::Share(_) => None,
            Self::Flat(money) => Some(money),
        }
    }
}

macro_rules! days {
    ($($(#[$doc:meta])* $name:ident($fewest:literal..=365, $refusal:literal))+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(i32);

        impl $name {
            /// So many days.
            pub fn new(days: i32) -> Result<Self, Invalid> {
                if ($fewest..=365).contains(&days) {
                    Ok(Self(days))
                } else {
                    Err(Invalid($refusal))
                }
            }

            /// How many.
            pub const fn get(self) -> i32 {
                self.0
            }
        }
    )+};
}

days! {
    /// Days from a click within which a conversion is attributed to it: 1 to 365.
    WindowDays(1..=365, "must be 1 to 365 days")
    /// Days until a commission is earned for good: 0 (at once) to 365.
    HoldDays(0..=365, "must be 0 to 365 days")
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
