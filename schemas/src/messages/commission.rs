//! What commission is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{
    BrandId, CampaignId, ConversionType, Currency, EarningStatus, Micros, Money, PartnerId,
    TermsVersion,
};

use super::shared::Plan;

/// The timer of a held commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseHoldV1 {
    /// When the hold ends.
    pub due_at: Micros,
}

/// What commissions use of a campaign's plan, as commission's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAdoptedV1 {
    /// The version that campaign published.
    pub version: TermsVersion,
    /// What a conversion earns.
    pub plan: Plan,
    /// ISO 4217 code in which the plan pays.
    pub currency: Currency,
    /// The brand that pays.
    pub brand_id: BrandId,
    /// From when it is in force.
    pub effective_at: Micros,
}

/// A conversion earns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionCalculatedV1 {
    /// Who earns.
    pub partner_id: PartnerId,
    /// Who pays.
    pub brand_id: BrandId,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// `purchase` or `lead`.
    pub event_type: ConversionType,
    /// What the rate was taken of; absent for a lead without a value.
    pub base: Option<Money>,
    /// The rate in basis points; absent when the plan pays a flat amount.
    pub rate_bps: Option<i32>,
    /// The flat amount; absent when the plan pays a rate.
    pub flat: Option<Money>,
    /// The version of the plan that was used.
    pub plan_version: TermsVersion,
    /// How the amount was rounded: `half_even`, or `none` where nothing was.
    pub rounding: String,
    /// What is earned.
    pub amount: Money,
    /// `approved`, `held`, or `suspended_…` with why nothing is earned.
    pub status: String,
    /// When the hold ends; absent when approved at once.
    pub hold_until: Option<Micros>,
}

impl CommissionCalculatedV1 {
    /// Why nothing is earned, whatever base, rate and flat amount come to.
    pub fn suspense(&self) -> Option<&str> {
        self.status.strip_prefix("suspended_")
    }
}

/// A held commission is earned for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionApprovedV1 {
    /// Who earns.
    pub partner_id: PartnerId,
    /// Who pays.
    pub brand_id: BrandId,
    /// What is released: the commission less what was reversed before.
    pub amount: Money,
}

/// A refund takes back its part of a commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionReversedV1 {
    /// Who had earned.
    pub partner_id: PartnerId,
    /// Who is paid back.
    pub brand_id: BrandId,
    /// Of this reversal.
    pub amount: Money,
    /// Of all reversals of the commission, this one included.
    pub reversed_total: Money,
    /// Where it stood: `pending` or `payable`.
    pub from: EarningStatus,
}
