//! What campaign is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{BrandId, Currency, Micros, PartnerId, TermsVersion, WindowDays};

use super::shared::Plan;

/// Asks for a new campaign, in draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateV1 {
    /// The brand that owns the campaign.
    pub brand_id: String,
    /// What people call it.
    pub name: String,
    /// ISO 4217 code in which its plans pay.
    pub currency: String,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
}

/// Asks for a new version of the terms and the commission plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishTermsV1 {
    /// The terms as partners read them.
    pub text: String,
    /// Days from a click within which a conversion is attributed to it.
    pub window_days: i32,
    /// What a conversion earns.
    pub plan: Plan,
}

/// Asks that partners may join from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateV1 {}

/// A partner accepts the terms of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptV1 {
    /// Who accepts.
    pub partner_id: String,
    /// The version that was read; absent: the one in force.
    pub terms_version: Option<i32>,
    /// The client's own notes: JSON text of at most 4 KiB, in no event.
    pub metadata: Option<String>,
}

/// A partner shows what it did for a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitEvidenceV1 {
    /// Who shows it.
    pub partner_id: String,
    /// For example `photo`.
    pub evidence_type: String,
    /// Where the file lies.
    pub file_url: String,
    /// The client's own notes: JSON text of at most 4 KiB, in no event.
    pub metadata: Option<String>,
}

/// A campaign exists, in draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignCreatedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// What people call it.
    pub name: String,
    /// ISO 4217 code in which its plans pay.
    pub currency: Currency,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
}

/// A version of terms and plan is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsPublishedV1 {
    /// Counts from 1 within the campaign.
    pub version: TermsVersion,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// ISO 4217 code in which the plan pays.
    pub currency: Currency,
    /// Days from a click within which a conversion is attributed to it.
    pub window_days: WindowDays,
    /// What a conversion earns.
    pub plan: Plan,
    /// From when it is in force.
    pub effective_at: Micros,
}

/// Partners may join from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignActivatedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
}

/// A partner is in the campaign, on one version of its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentAcceptedV1 {
    /// Who accepted.
    pub partner_id: PartnerId,
    /// The version that was accepted.
    pub terms_version: TermsVersion,
}

/// A partner has shown what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceSubmittedV1 {
    /// Who showed it.
    pub partner_id: PartnerId,
    /// For example `photo`.
    pub evidence_type: String,
    /// SHA-256 of the file's address, in hexadecimal; the address itself may be personal.
    pub url_hash: String,
}
