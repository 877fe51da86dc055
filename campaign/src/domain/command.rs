//! What campaign is asked.

use schemas::{About, CampaignCreatedV1, EvidenceSubmittedV1};
use types::{
    BrandId, CampaignId, EnrollmentId, EvidenceId, Micros, PartnerId, Plan, TermsVersion,
    WindowDays,
};

use super::{Campaign, Enrollment};

/// Who asks. A caller may be partner and brand at once; one without any role owns nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// It may act for anyone.
    pub operator: bool,
    /// The partner it is.
    pub partner: Option<PartnerId>,
    /// The brand it is.
    pub brand: Option<BrandId>,
}

impl Actor {
    /// Whether it may act for this partner.
    pub fn is_partner(&self, partner: &PartnerId) -> bool {
        self.operator || self.partner.as_ref() == Some(partner)
    }

    /// Whether it may act for this brand.
    pub fn is_brand(&self, brand: &BrandId) -> bool {
        self.operator || self.brand.as_ref() == Some(brand)
    }
}

/// What a decision may know beside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Our time.
    pub now: Micros,
    /// Who asks.
    pub actor: Actor,
}

/// The states that a command touches, as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct View<'a> {
    /// The campaign that it names.
    pub campaign: Option<&'a Campaign>,
    /// The partner's place in it.
    pub enrollment: Option<&'a Enrollment>,
    /// Whether the evidence that it would make is there already.
    pub evidence_exists: bool,
}

/// What campaign can be asked. Every value in it is well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a campaign, in draft.
    Create(About<CampaignCreatedV1>),
    /// Put terms and a plan in force.
    PublishTerms {
        /// Of which campaign.
        campaign: CampaignId,
        /// For how long a click counts.
        window: WindowDays,
        /// What conversions earn.
        plan: Plan,
    },
    /// Let partners join.
    Activate {
        /// Which campaign.
        campaign: CampaignId,
    },
    /// Join, or accept newer terms.
    Accept {
        /// Which campaign.
        campaign: CampaignId,
        /// Who.
        partner: PartnerId,
        /// The version that was read; `None`: the one in force.
        terms_version: Option<TermsVersion>,
    },
    /// Show what was done.
    SubmitEvidence(About<EvidenceSubmittedV1>),
}

impl Command {
    /// The campaign that it names.
    pub fn campaign(&self) -> &CampaignId {
        match self {
            Self::Create(new) => &new.subject,
            Self::PublishTerms { campaign, .. }
            | Self::Activate { campaign }
            | Self::Accept { campaign, .. } => campaign,
            Self::SubmitEvidence(shown) => &shown.key,
        }
    }

    /// The enrollment that it needs to know.
    pub fn enrollment(&self) -> Option<EnrollmentId> {
        match self {
            Self::Accept {
                campaign, partner, ..
            } => Some(EnrollmentId::of(campaign, partner)),
            Self::SubmitEvidence(shown) => Some(EnrollmentId::of(&shown.key, &shown.partner_id)),
            Self::Create(_) | Self::PublishTerms { .. } | Self::Activate { .. } => None,
        }
    }

    /// The evidence that it would make.
    pub fn evidence(&self) -> Option<&EvidenceId> {
        match self {
            Self::SubmitEvidence(shown) => Some(&shown.subject),
            _ => None,
        }
    }
}
