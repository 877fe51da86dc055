//! What happened.

use types::{
    BrandId, CampaignId, ConversionId, ConversionType, Earning, Micros, Money, PartnerId,
    TermsVersion,
};

use super::{Plan, PlanKey};

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
    pub event_type: ConversionType,
    /// What the conversion was worth; absent for a lead without a value.
    pub base: Option<Money>,
    /// How the plan pays it; absent when the plan has nothing for this type.
    pub earning: Option<Earning>,
    /// The version of the plan that was used.
    pub plan_version: TermsVersion,
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

types::names! {
    /// Why nothing is earned, for good.
    pub enum Suspense {
        /// The plan's flat amount is not in the plan's own currency.
        FlatCurrency = "flat_currency",
        /// The conversion's value is below zero.
        NegativeBase = "negative_base",
        /// The amount does not fit, or is more than one conversion earns.
        OutOfRange = "out_of_range",
    }
}

impl Suspense {
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
pub enum CalculatedStatus {
    /// Earned for good at once.
    Approved,
    /// Pending until then.
    Held {
        /// When the hold ends.
        until: Micros,
    },
    /// Nothing is earned, and no command changes that.
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
    /// What is earned; zero when the plan pays nothing for it, or it is suspended.
    pub amount: Money,
    /// How it begins.
    pub status: CalculatedStatus,
}

/// A campaign's plan is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanAdopted {
    /// Which.
    pub key: PlanKey,
    /// What it says.
    pub plan: Plan,
}

schemas::events! {
    /// What can happen at commission.
    pub enum Event {
        /// A campaign's plan is known here.
        PlanAdopted(PlanAdoptedV1 as PlanAdopted),
        /// A conversion earns.
        Calculated(CommissionCalculatedV1 as Calculated),
        /// A held commission is earned for good.
        Approved(CommissionApprovedV1),
        /// A refund took back its part.
        Reversed(CommissionReversedV1),
    }
}
