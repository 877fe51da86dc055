//! What happened.

use types::{BrandId, CampaignId, Currency, EnrollmentId, EvidenceId};

use super::Terms;

/// A version of a campaign's terms is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsPublished {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Whose that is.
    pub brand: BrandId,
    /// What it pays in.
    pub currency: Currency,
    /// The terms.
    pub terms: Terms,
}

schemas::events! {
    /// What happened to a campaign or in it. Events carry what followers need and would otherwise have to look up.
    pub enum Event {
        /// A campaign exists, in draft.
        CampaignCreated(CampaignCreatedV1),
        /// A version of its terms is in force.
        TermsPublished(TermsPublishedV1 as TermsPublished),
        /// Partners may join.
        CampaignActivated(CampaignActivatedV1),
        /// A partner has accepted a version of the terms.
        EnrollmentAccepted(EnrollmentAcceptedV1),
        /// A partner has shown what it did.
        EvidenceSubmitted(EvidenceSubmittedV1),
    }
}

impl Event {
    /// The campaign that it happened to or in.
    pub fn campaign(&self) -> &CampaignId {
        match self {
            Self::CampaignCreated(created) => &created.subject,
            Self::TermsPublished(published) => &published.campaign,
            Self::CampaignActivated(activated) => &activated.subject,
            Self::EnrollmentAccepted(accepted) => &accepted.key,
            Self::EvidenceSubmitted(shown) => &shown.key,
        }
    }

    /// The enrollment that it made or renewed.
    pub fn enrollment(&self) -> Option<&EnrollmentId> {
        match self {
            Self::EnrollmentAccepted(accepted) => Some(&accepted.subject),
            _ => None,
        }
    }

    /// The evidence that it made.
    pub fn evidence(&self) -> Option<&EvidenceId> {
        match self {
            Self::EvidenceSubmitted(shown) => Some(&shown.subject),
            _ => None,
        }
    }
}
