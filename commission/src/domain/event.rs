//! What happened.

use money::{BrandId, CampaignId, ConversionId, Micros, Money, PartnerId};

use super::{Earning, EventType, Plan, PlanKey};

/// Between whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// In which campaign.
    pub campaign: CampaignId,
    /// Who earns.
    pub partner: PartnerId,
    /// Who pays.
    pub brand: BrandId,
}

/// All that an amount was made of: it can be explained without looking anything up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// What is paid for.
    pub event_type: EventType,
    /// What the conversion was worth; absent for a lead without a value.
    pub base: Option<Money>,
    /// How the plan pays it; absent when the plan has nothing for this type.
    pub earning: Option<Earning>,
    /// The version of the plan that was used.
    pub plan_version: i32,
}

impl Basis {
    /// How the amount was rounded: `half_even` to the currency's minor unit, once; a flat amount is not rounded.
    pub fn rounding(&self) -> &'static str {
        match self.earning {
            Some(Earning::Rate(_)) => "half_even",
            Some(Earning::Flat(_)) | None => "none",
        }
    }
}

/// Why nothing was calculated, until an operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspense {
    /// The plan's flat amount is not in the plan's own currency.
    FlatCurrency,
    /// The conversion's value is below zero.
    NegativeBase,
    /// The amount does not fit.
    OutOfRange,
}

impl Suspense {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FlatCurrency, Self::NegativeBase, Self::OutOfRange];

    /// The name in tables and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FlatCurrency => "flat_currency",
            Self::NegativeBase => "negative_base",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// The status on the wire, which names the reason.
    pub const fn status(self) -> &'static str {
        match self {
            Self::FlatCurrency => "suspended_flat_currency",
            Self::NegativeBase => "suspended_negative_base",
            Self::OutOfRange => "suspended_out_of_range",
        }
    }
}

/// How a commission begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Earned for good at once.
    Approved,
    /// Pending until then.
    Held {
        /// When the hold ends.
        until: Micros,
    },
    /// Nothing is earned until an operator decides.
    Suspended(Suspense),
}

/// A conversion earns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculated {
    /// The conversion, whose id the commission has.
    pub conversion: ConversionId,
    /// Between whom.
    pub parties: Parties,
    /// What the amount was made of.
    pub basis: Basis,
    /// What is earned; zero when the plan pays nothing for it, or while it is suspended.
    pub amount: Money,
    /// How it begins.
    pub standing: Standing,
}

/// What can happen at commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A campaign's plan is known here.
    PlanAdopted {
        /// Which.
        key: PlanKey,
        /// What it says.
        plan: Plan,
    },
    /// A conversion earns.
    Calculated(Calculated),
    /// A held commission is earned for good.
    Approved {
        /// Which.
        conversion: ConversionId,
        /// Who earns.
        partner: PartnerId,
        /// Who pays.
        brand: BrandId,
        /// What is released: the commission less what was reversed before.
        amount: Money,
    },
    /// A refund took back its part.
    Reversed {
        /// Which.
        conversion: ConversionId,
        /// Who had earned.
        partner: PartnerId,
        /// Who is paid back.
        brand: BrandId,
        /// Of this reversal; zero when nothing is left to take.
        amount: Money,
        /// Of all reversals, this one included.
        reversed_total: Money,
        /// Whether it was still pending.
        pending: bool,
    },
}
