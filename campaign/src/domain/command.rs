//! What campaign is asked.

use schemas::{
    About, ApiKeyCreatedV1, Budget, CampaignCreatedV1, EvidenceSubmittedV1, GroupCreatedV1,
};
use types::{
    ApiKeyId, BanId, BrandId, CampaignId, EnrollmentId, EvidenceId, EvidenceReason, GroupId,
    JoinMode, MembershipId, Micros, PartnerId, Plan, RefusalReason, TermsVersion, WindowDays,
};

use super::{
    ApiKey, Ban, Brand, BrandChange, Campaign, Enrollment, Evidence, Group, GroupChange,
    Membership, Partner, PartnerChange, Rotation,
};

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
    /// When it was requested: before now, where it had to wait.
    pub requested_at: Micros,
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
    /// Whether the campaign's brand, or an operator, has banned the partner.
    pub banned: bool,
    /// The ban that it would make or end.
    pub ban: Option<&'a Ban>,
    /// The partner itself that it changes.
    pub partner: Option<&'a Partner>,
    /// The brand itself that it changes.
    pub brand: Option<&'a Brand>,
    /// The group that it would make, change, or move a partner into.
    pub group: Option<&'a Group>,
    /// How many groups the brand has that it would make one for.
    pub groups_of_brand: usize,
    /// In which group the partner was put last.
    pub membership: Option<&'a Membership>,
    /// The evidence that it would make or decide about.
    pub evidence: Option<&'a Evidence>,
    /// The one that it is to be instead of.
    pub replaced: Option<&'a Evidence>,
    /// The first evidence of the campaign of the same address, and that of the same content.
    pub same_file: [Option<&'a EvidenceId>; 2],
    /// The API key that it names.
    pub api_key: Option<&'a ApiKey>,
    /// How many keys that are not revoked the brand has that it would make one for.
    pub keys_of_brand: usize,
    /// Whether the campaign's brand is out of funds, in its currency.
    pub out_of_funds: bool,
}

/// What campaign can be asked. Every value in it is well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a campaign, in draft.
    Create(About<CampaignCreatedV1>),
    /// Make another of it.
    ChangeCampaign {
        /// Which.
        campaign: CampaignId,
        /// In what.
        change: Box<CampaignChange>,
    },
    /// End it, as its own timer asks.
    EndCampaign {
        /// Which.
        campaign: CampaignId,
        /// When it ends, as the timer has it.
        due_at: Micros,
    },
    /// Stop or go on as the brand's funds have it, as its own timer asks.
    FollowFunds {
        /// Which.
        campaign: CampaignId,
    },
    /// Put terms and a plan in force, now or later.
    PublishTerms {
        /// Of which campaign.
        campaign: CampaignId,
        /// For how long a click counts.
        window: WindowDays,
        /// What conversions earn.
        plan: Plan,
        /// SHA-256 of their text.
        text_hash: String,
        /// From when they are in force; `None`: from now on.
        effective_at: Option<Micros>,
        /// What partners read, sealed.
        sealed_text: Vec<u8>,
    },
    /// Go from one status to another.
    Move {
        /// Which campaign.
        campaign: CampaignId,
        /// Where to.
        step: Step,
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
    /// Change where a partner stands.
    Change {
        /// In which campaign.
        campaign: CampaignId,
        /// Who.
        partner: PartnerId,
        /// What is to become of it.
        change: Change,
    },
    /// Keep a partner out of every campaign, or let it back.
    Ban {
        /// Who.
        partner: PartnerId,
        /// Whose campaigns; `None`: everybody's.
        brand: Option<BrandId>,
        /// Why; `None`: the ban ends.
        reason: Option<RefusalReason>,
    },
    /// Make an API key.
    CreateApiKey(About<ApiKeyCreatedV1>),
    /// Give it another secret.
    RotateApiKey {
        /// Which.
        key: ApiKeyId,
        /// What it is from then on.
        rotation: Rotation,
    },
    /// End it.
    RevokeApiKey {
        /// Which.
        key: ApiKeyId,
        /// Whose it is said to be.
        brand: Option<BrandId>,
    },
    /// Show what was done.
    SubmitEvidence(About<EvidenceSubmittedV1>),
    /// Make a group.
    CreateGroup(About<GroupCreatedV1>),
    /// Make another of it.
    ChangeGroup {
        /// Whose.
        brand: BrandId,
        /// Which.
        group: GroupId,
        /// In what.
        change: GroupChange,
    },
    /// Put a partner into another group.
    MovePartner {
        /// Whose groups.
        brand: BrandId,
        /// Who.
        partner: PartnerId,
        /// Into which.
        group: GroupId,
    },
    /// Change what is known of a partner.
    ChangePartner {
        /// Which.
        partner: PartnerId,
        /// In what.
        change: Box<PartnerChange>,
    },
    /// Forget what is known of a partner.
    ErasePartner {
        /// Which.
        partner: PartnerId,
    },
    /// Change what is known of a brand.
    ChangeBrand {
        /// Which.
        brand: BrandId,
        /// In what.
        change: BrandChange,
    },
    /// Say whether it shows what it should.
    Review {
        /// For which campaign.
        campaign: CampaignId,
        /// Which.
        evidence: EvidenceId,
        /// What the brand says.
        review: Review,
    },
}

/// What a brand says of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// It shows what it should.
    Approve,
    /// It does not, for good.
    Reject(EvidenceReason),
    /// The partner may show more.
    Return(EvidenceReason),
}

/// What is to be another of a campaign. What is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignChange {
    /// What people call it.
    pub name: Option<String>,
    /// What it is about.
    pub description: Edit<String>,
    /// Where its links may lead.
    pub allowed_hosts: Option<Vec<String>>,
    /// Where visitors go while its links lead nowhere else, as the URL standard writes it.
    pub fallback_url: Edit<String>,
    /// Where partners send visitors, as the URL standard writes it.
    pub landing_url: Edit<String>,
    /// From when its links lead to their targets.
    pub starts_at: Edit<Micros>,
    /// When it pauses by itself.
    pub ends_at: Edit<Micros>,
    /// What it is meant to cost.
    pub budget: Edit<Budget>,
    /// How partners come in.
    pub join: Option<JoinMode>,
    /// Whether the visitor that a redirect names is believed.
    pub trusts_redirects: Option<bool>,
}

/// What becomes of something that a campaign can do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is this.
    Set(T),
    /// There is none.
    Clear,
}

impl<T: Clone> Edit<T> {
    /// What it becomes.
    pub fn of(&self, before: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => before.cloned(),
            Self::Set(after) => Some(after.clone()),
            Self::Clear => None,
        }
    }
}

/// A step in the life of a campaign: draft → active ⇄ paused → closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Let partners join.
    Activate,
    /// Stop for a while.
    Pause,
    /// Go on.
    Resume,
    /// Stop for good.
    Close,
}

/// What is to become of a partner's place in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The brand wants it in.
    Invite,
    /// The brand takes its application.
    Approve,
    /// The brand does not take its application.
    Reject(RefusalReason),
    /// The partner goes, and may come again.
    Leave,
    /// The brand removes it, for good.
    Remove(RefusalReason),
}

impl Command {
    /// The campaign that it names.
    pub fn campaign(&self) -> Option<&CampaignId> {
        match self {
            Self::Create(new) => Some(&new.subject),
            Self::ChangeCampaign { campaign, .. }
            | Self::EndCampaign { campaign, .. }
            | Self::FollowFunds { campaign }
            | Self::PublishTerms { campaign, .. }
            | Self::Move { campaign, .. }
            | Self::Accept { campaign, .. }
            | Self::Change { campaign, .. }
            | Self::Review { campaign, .. } => Some(campaign),
            Self::SubmitEvidence(shown) => Some(&shown.key),
            Self::Ban { .. }
            | Self::CreateApiKey(_)
            | Self::RotateApiKey { .. }
            | Self::RevokeApiKey { .. }
            | Self::ChangePartner { .. }
            | Self::ErasePartner { .. }
            | Self::ChangeBrand { .. }
            | Self::CreateGroup(_)
            | Self::ChangeGroup { .. }
            | Self::MovePartner { .. } => None,
        }
    }

    /// The partner that it names.
    pub fn partner(&self) -> Option<&PartnerId> {
        match self {
            Self::Accept { partner, .. }
            | Self::Change { partner, .. }
            | Self::Ban { partner, .. }
            | Self::MovePartner { partner, .. }
            | Self::ChangePartner { partner, .. }
            | Self::ErasePartner { partner } => Some(partner),
            Self::SubmitEvidence(shown) => Some(&shown.partner_id),
            Self::Create(_)
            | Self::ChangeCampaign { .. }
            | Self::EndCampaign { .. }
            | Self::FollowFunds { .. }
            | Self::PublishTerms { .. }
            | Self::Move { .. }
            | Self::Review { .. }
            | Self::CreateApiKey(_)
            | Self::RotateApiKey { .. }
            | Self::RevokeApiKey { .. }
            | Self::ChangeBrand { .. }
            | Self::CreateGroup(_)
            | Self::ChangeGroup { .. } => None,
        }
    }

    /// The API key that it names.
    pub fn api_key(&self) -> Option<&ApiKeyId> {
        match self {
            Self::CreateApiKey(new) => Some(&new.subject),
            Self::RotateApiKey { key, .. } | Self::RevokeApiKey { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The group that it names.
    pub fn group(&self) -> Option<&GroupId> {
        match self {
            Self::CreateGroup(new) => Some(&new.subject),
            Self::ChangeGroup { group, .. } | Self::MovePartner { group, .. } => Some(group),
            _ => None,
        }
    }

    /// The brand that it would make a group for.
    pub fn grouped_brand(&self) -> Option<&BrandId> {
        match self {
            Self::CreateGroup(new) => Some(&new.key),
            _ => None,
        }
    }

    /// The brand that it would make an API key for.
    pub fn keyed_brand(&self) -> Option<&BrandId> {
        match self {
            Self::CreateApiKey(new) => Some(&new.brand_id),
            _ => None,
        }
    }

    /// The membership that it would make or change.
    pub fn membership(&self) -> Option<MembershipId> {
        match self {
            Self::MovePartner { brand, partner, .. } => Some(MembershipId::of(brand, partner)),
            _ => None,
        }
    }

    /// The brand that it names, itself or as whose campaigns it means. What it names of a campaign's is known already.
    pub fn brand(&self) -> Option<&BrandId> {
        match self {
            Self::Create(new) => Some(&new.brand_id),
            Self::CreateApiKey(new) => Some(&new.brand_id),
            Self::Ban { brand, .. } => brand.as_ref(),
            Self::ChangeBrand { brand, .. }
            | Self::ChangeGroup { brand, .. }
            | Self::MovePartner { brand, .. } => Some(brand),
            Self::CreateGroup(new) => Some(&new.key),
            _ => None,
        }
    }

    /// Whether it needs to know of the brand's funds.
    pub fn needs_funds(&self) -> bool {
        matches!(self, Self::FollowFunds { .. } | Self::Move { .. })
    }

    /// The ban that it would make or end.
    pub fn ban(&self) -> Option<BanId> {
        match self {
            Self::Ban { partner, brand, .. } => Some(BanId::of(brand.as_ref(), partner)),
            _ => None,
        }
    }

    /// The enrollment that it needs to know.
    pub fn enrollment(&self) -> Option<EnrollmentId> {
        Some(EnrollmentId::of(self.campaign()?, self.partner()?))
    }

    /// The evidence that it would make or decide about.
    pub fn evidence(&self) -> Option<&EvidenceId> {
        match self {
            Self::SubmitEvidence(shown) => Some(&shown.subject),
            Self::Review { evidence, .. } => Some(evidence),
            _ => None,
        }
    }

    /// What it would make.
    pub fn shown(&self) -> Option<&About<EvidenceSubmittedV1>> {
        match self {
            Self::SubmitEvidence(shown) => Some(shown),
            _ => None,
        }
    }
}

schemas::events! {
    /// What payment states of a brand's funds, and notify of what it wants done for a workflow. It cannot be refused.
    pub enum Fact {
        /// They do not cover what its partners earn.
        Exhausted(FundsExhaustedV1),
        /// They do.
        Restored(FundsRestoredV1),
        /// Whether they do, after payment's database has gone back.
        Stated(FundsStatedV1),
        /// A step of a workflow is to be done, or to be taken back.
        StepRequested(WorkflowStepRequestedV1),
    }
}
