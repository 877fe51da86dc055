//! What happened.

use money::{BrandId, CampaignId, Currency, EnrollmentId, EvidenceId, PartnerId};

use super::{CampaignName, EvidenceType, Hosts, Terms, TermsVersion, UrlHash};

/// A campaign as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCampaign {
    /// Which.
    pub campaign: CampaignId,
    /// Whose.
    pub brand: BrandId,
    /// What people call it.
    pub name: CampaignName,
    /// What its plans pay in.
    pub currency: Currency,
    /// Where its links may lead.
    pub allowed_hosts: Hosts,
}

/// A piece of evidence as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvidence {
    /// Which.
    pub evidence: EvidenceId,
    /// For which campaign.
    pub campaign: CampaignId,
    /// Who shows it.
    pub partner: PartnerId,
    /// What it is.
    pub evidence_type: EvidenceType,
    /// Of the file's address.
    pub url_hash: UrlHash,
}

/// What happened to a campaign or in it. Events carry what followers need and would otherwise have to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A campaign exists, in draft.
    CampaignCreated(NewCampaign),
    /// A version of its terms is in force.
    TermsPublished {
        /// Of which campaign.
        campaign: CampaignId,
        /// Whose that is.
        brand: BrandId,
        /// What it pays in.
        currency: Currency,
        /// The terms.
        terms: Terms,
    },
    /// Partners may join.
    CampaignActivated {
        /// Which campaign.
        campaign: CampaignId,
        /// Whose that is.
        brand: BrandId,
        /// Where its links may lead.
        allowed_hosts: Hosts,
    },
    /// A partner has accepted a version of the terms.
    EnrollmentAccepted {
        /// Of which campaign.
        campaign: CampaignId,
        /// The partner's place in it.
        enrollment: EnrollmentId,
        /// Who.
        partner: PartnerId,
        /// Which version.
        terms_version: TermsVersion,
    },
    /// A partner has shown what it did.
    EvidenceSubmitted(NewEvidence),
}

impl Event {
    /// The campaign that it happened to or in.
    pub fn campaign(&self) -> &CampaignId {
        match self {
            Self::CampaignCreated(created) => &created.campaign,
            Self::TermsPublished { campaign, .. }
            | Self::CampaignActivated { campaign, .. }
            | Self::EnrollmentAccepted { campaign, .. } => campaign,
            Self::EvidenceSubmitted(shown) => &shown.campaign,
        }
    }

    /// The enrollment that it made or renewed.
    pub fn enrollment(&self) -> Option<&EnrollmentId> {
        match self {
            Self::EnrollmentAccepted { enrollment, .. } => Some(enrollment),
            _ => None,
        }
    }

    /// The evidence that it made.
    pub fn evidence(&self) -> Option<&EvidenceId> {
        match self {
            Self::EvidenceSubmitted(shown) => Some(&shown.evidence),
            _ => None,
        }
    }
}
