//! What a campaign promises to pay, by version.

use std::fmt;

use money::{BasisPoints, BrandId, CampaignId, Currency, Micros, Money};

/// What a partner can earn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A sale.
    Purchase,
    /// A contact.
    Lead,
}

impl EventType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Lead => "lead",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Purchase, Self::Lead]
            .into_iter()
            .find(|event_type| event_type.name() == name)
    }
}

/// How one conversion is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earning {
    /// A part of its value.
    Rate(BasisPoints),
    /// Always the same.
    Flat(Money),
}

impl Earning {
    /// The rate, when it is one.
    pub fn rate(self) -> Option<BasisPoints> {
        match self {
            Self::Rate(rate) => Some(rate),
            Self::Flat(_) => None,
        }
    }

    /// The flat amount, when it is one.
    pub fn flat(self) -> Option<Money> {
        match self {
            Self::Rate(_) => None,
            Self::Flat(flat) => Some(flat),
        }
    }
}

/// Which version of which campaign's plan. Once adopted it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlanKey {
    /// The campaign.
    pub campaign: CampaignId,
    /// Counts from 1 within it.
    pub version: i32,
}

impl fmt::Display for PlanKey {
    /// What a conversion waits for, as the road names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plan:{}:{}", self.campaign, self.version)
    }
}

/// One version of a campaign's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What a sale earns; nothing when absent.
    pub sale: Option<Earning>,
    /// What a lead earns; nothing when absent.
    pub lead: Option<Earning>,
    /// Days until it is earned for good; 0: at once.
    pub hold_days: u16,
    /// What the plan pays in, when it does not pay a part of a sale.
    pub currency: Currency,
    /// Who pays.
    pub brand: BrandId,
    /// From when it is in force.
    pub effective_at: Micros,
}

impl Plan {
    /// What an event of this type earns.
    pub fn earning(&self, event_type: EventType) -> Option<Earning> {
        match event_type {
            EventType::Purchase => self.sale,
            EventType::Lead => self.lead,
        }
    }
}
