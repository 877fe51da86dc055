//! What a campaign promises to pay, by version.

use std::fmt;

use types::{BrandId, CampaignId, ConversionType, Currency, Earning, Micros, TermsVersion};

/// Which version of which campaign's plan. It changes only where campaign lost it in a restore and gave its number out again:
/// the later one holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlanKey {
    /// The campaign.
    pub campaign: CampaignId,
    /// Counts from 1 within it.
    pub version: TermsVersion,
}

impl fmt::Display for PlanKey {
    /// What a conversion waits for, as the engine names it.
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
    /// What a conversion of this type earns.
    pub fn earning(&self, event_type: ConversionType) -> Option<Earning> {
        match event_type {
            ConversionType::Purchase => self.sale,
            ConversionType::Lead => self.lead,
        }
    }
}
