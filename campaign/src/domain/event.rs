//! What happened.

use schemas::{About, BrandFundsAdoptedV1};
use types::{
    ApiKeyId, BanId, BrandId, CampaignId, Currency, EnrollmentId, EvidenceId, GroupId,
    MembershipId, PartnerId,
};

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
    /// What partners read, sealed; none in what was recorded before.
    pub sealed_text: Option<Vec<u8>>,
}

/// Which rows an event makes or changes.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// The campaign's.
    Campaign(&'a CampaignId),
    /// The campaign's, and those of a version of its terms.
    Terms(&'a TermsPublished),
    /// An enrollment's.
    Enrollment(&'a EnrollmentId),
    /// A ban's.
    Ban(&'a BanId),
    /// An API key's.
    ApiKey(&'a ApiKeyId),
    /// That of a brand's funds.
    BrandFunds(&'a About<BrandFundsAdoptedV1>),
    /// That of a partner or a brand itself, as of whatever names one; of an answer, none.
    Record,
    /// A group's.
    Group(&'a GroupId),
    /// A membership's.
    Membership(&'a MembershipId),
    /// That of a piece of evidence.
    Evidence(&'a EvidenceId),
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
        /// It stops for a while.
        CampaignPaused(CampaignPausedV1),
        /// It goes on.
        CampaignResumed(CampaignResumedV1),
        /// It has ended for good.
        CampaignClosed(CampaignClosedV1),
        /// A partner is no longer in.
        EnrollmentEnded(EnrollmentEndedV1),
        /// The brand wants a partner in.
        EnrollmentInvited(EnrollmentInvitedV1),
        /// A partner has accepted the terms, and the brand has to decide.
        EnrollmentApplied(EnrollmentAppliedV1),
        /// A partner that applied is in.
        EnrollmentApproved(EnrollmentApprovedV1),
        /// A partner that applied is not in.
        EnrollmentRejected(EnrollmentRejectedV1),
        /// A partner may be in no campaign of a brand, or in none at all.
        PartnerBanned(PartnerBannedV1),
        /// It may again.
        PartnerUnbanned(PartnerUnbannedV1),
        /// It is another.
        CampaignChanged(CampaignChangedV1),
        /// An API key of a brand exists.
        ApiKeyCreated(ApiKeyCreatedV1),
        /// It has another secret.
        ApiKeyRotated(ApiKeyRotatedV1),
        /// It opens nothing any more.
        ApiKeyRevoked(ApiKeyRevokedV1),
        /// Evidence shows what it should.
        EvidenceApproved(EvidenceApprovedV1),
        /// It does not, for good.
        EvidenceRejected(EvidenceRejectedV1),
        /// The partner may show more.
        EvidenceReturned(EvidenceReturnedV1),
        /// Whether a brand is out of funds.
        BrandFundsAdopted(BrandFundsAdoptedV1),
        /// Something else is known of a partner.
        PartnerChanged(PartnerChangedV1),
        /// Nothing is known of a partner any more.
        PartnerErased(PartnerErasedV1),
        /// Something else is known of a brand.
        BrandChanged(BrandChangedV1),
        /// A brand has a group more.
        GroupCreated(GroupCreatedV1),
        /// A group is another.
        GroupChanged(GroupChangedV1),
        /// A partner is in another group.
        PartnerMoved(PartnerMovedV1),
        /// A step of a workflow is done, or taken back, or refused.
        StepAnswered(WorkflowStepAnsweredV1),
    }
}

impl Event {
    /// The campaign that it happened to or in.
    pub fn campaign(&self) -> Option<&CampaignId> {
        Some(match self {
            Self::CampaignCreated(created) => &created.subject,
            Self::TermsPublished(published) => &published.campaign,
            Self::CampaignActivated(activated) => &activated.subject,
            Self::EnrollmentAccepted(accepted) => &accepted.key,
            Self::EvidenceSubmitted(shown) => &shown.key,
            Self::EvidenceApproved(approved) => &approved.key,
            Self::EvidenceRejected(rejected) => &rejected.key,
            Self::EvidenceReturned(returned) => &returned.key,
            Self::CampaignPaused(paused) => &paused.subject,
            Self::CampaignResumed(resumed) => &resumed.subject,
            Self::CampaignClosed(closed) => &closed.subject,
            Self::CampaignChanged(changed) => &changed.subject,
            Self::EnrollmentEnded(ended) => &ended.key,
            Self::EnrollmentInvited(invited) => &invited.key,
            Self::EnrollmentApplied(applied) => &applied.key,
            Self::EnrollmentApproved(approved) => &approved.key,
            Self::EnrollmentRejected(rejected) => &rejected.key,
            Self::PartnerBanned(_)
            | Self::PartnerUnbanned(_)
            | Self::ApiKeyCreated(_)
            | Self::ApiKeyRotated(_)
            | Self::ApiKeyRevoked(_)
            | Self::BrandFundsAdopted(_)
            | Self::PartnerChanged(_)
            | Self::PartnerErased(_)
            | Self::BrandChanged(_)
            | Self::GroupCreated(_)
            | Self::GroupChanged(_)
            | Self::PartnerMoved(_)
            | Self::StepAnswered(_) => return None,
        })
    }

    /// What of the state it changes.
    pub fn rows(&self) -> Rows<'_> {
        match self {
            Self::CampaignCreated(created) => Rows::Campaign(&created.subject),
            Self::CampaignActivated(activated) => Rows::Campaign(&activated.subject),
            Self::CampaignPaused(paused) => Rows::Campaign(&paused.subject),
            Self::CampaignResumed(resumed) => Rows::Campaign(&resumed.subject),
            Self::CampaignClosed(closed) => Rows::Campaign(&closed.subject),
            Self::CampaignChanged(changed) => Rows::Campaign(&changed.subject),
            Self::TermsPublished(published) => Rows::Terms(published),
            Self::EnrollmentAccepted(accepted) => Rows::Enrollment(&accepted.subject),
            Self::EnrollmentEnded(ended) => Rows::Enrollment(&ended.subject),
            Self::EnrollmentInvited(invited) => Rows::Enrollment(&invited.subject),
            Self::EnrollmentApplied(applied) => Rows::Enrollment(&applied.subject),
            Self::EnrollmentApproved(approved) => Rows::Enrollment(&approved.subject),
            Self::EnrollmentRejected(rejected) => Rows::Enrollment(&rejected.subject),
            Self::PartnerBanned(banned) => Rows::Ban(&banned.subject),
            Self::PartnerUnbanned(unbanned) => Rows::Ban(&unbanned.subject),
            Self::ApiKeyCreated(created) => Rows::ApiKey(&created.subject),
            Self::ApiKeyRotated(rotated) => Rows::ApiKey(&rotated.subject),
            Self::ApiKeyRevoked(revoked) => Rows::ApiKey(&revoked.subject),
            Self::PartnerChanged(_)
            | Self::PartnerErased(_)
            | Self::BrandChanged(_)
            | Self::StepAnswered(_) => Rows::Record,
            Self::GroupCreated(created) => Rows::Group(&created.subject),
            Self::GroupChanged(changed) => Rows::Group(&changed.subject),
            Self::PartnerMoved(moved) => Rows::Membership(&moved.subject),
            Self::EvidenceSubmitted(shown) => Rows::Evidence(&shown.subject),
            Self::EvidenceApproved(approved) => Rows::Evidence(&approved.subject),
            Self::EvidenceRejected(rejected) => Rows::Evidence(&rejected.subject),
            Self::EvidenceReturned(returned) => Rows::Evidence(&returned.subject),
            Self::BrandFundsAdopted(adopted) => Rows::BrandFunds(adopted),
        }
    }

    /// The enrollment that it made or changed.
    pub fn enrollment(&self) -> Option<&EnrollmentId> {
        match self.rows() {
            Rows::Enrollment(enrollment) => Some(enrollment),
            _ => None,
        }
    }

    /// The partner that it bans, or bans no more.
    pub fn banned(&self) -> Option<&PartnerId> {
        match self {
            Self::PartnerBanned(banned) => Some(&banned.key),
            Self::PartnerUnbanned(unbanned) => Some(&unbanned.key),
            _ => None,
        }
    }

    /// The API key that it made or changed.
    pub fn api_key(&self) -> Option<&ApiKeyId> {
        match self.rows() {
            Rows::ApiKey(key) => Some(key),
            _ => None,
        }
    }

    /// The evidence that it made or changed.
    pub fn evidence(&self) -> Option<&EvidenceId> {
        match self.rows() {
            Rows::Evidence(evidence) => Some(evidence),
            _ => None,
        }
    }

    /// The partner that it names, where it may be the first to do so, or says something of the partner itself.
    pub fn partner(&self) -> Option<&PartnerId> {
        match self {
            Self::EnrollmentAccepted(accepted) => Some(&accepted.partner_id),
            Self::EnrollmentInvited(invited) => Some(&invited.partner_id),
            Self::EnrollmentApplied(applied) => Some(&applied.partner_id),
            Self::PartnerChanged(changed) => Some(&changed.key),
            Self::PartnerErased(erased) => Some(&erased.key),
            Self::PartnerMoved(moved) => Some(&moved.partner_id),
            _ => self.banned(),
        }
    }

    /// The brand that it names, where it may be the first to do so, or says something of the brand itself. What is adopted of its
    /// funds names none: the bff does not see that.
    pub fn brand(&self) -> Option<&BrandId> {
        match self {
            Self::CampaignCreated(created) => Some(&created.brand_id),
            Self::ApiKeyCreated(created) => Some(&created.brand_id),
            Self::PartnerBanned(banned) => banned.brand_id.as_ref(),
            Self::PartnerUnbanned(unbanned) => unbanned.brand_id.as_ref(),
            Self::BrandChanged(changed) => Some(&changed.key),
            Self::GroupCreated(created) => Some(&created.key),
            Self::GroupChanged(changed) => Some(&changed.key),
            Self::PartnerMoved(moved) => Some(&moved.key),
            _ => None,
        }
    }

    /// The group that it made or changed.
    pub fn group(&self) -> Option<&GroupId> {
        match self.rows() {
            Rows::Group(group) => Some(group),
            _ => None,
        }
    }

    /// The membership that it made or changed.
    pub fn membership(&self) -> Option<&MembershipId> {
        match self.rows() {
            Rows::Membership(membership) => Some(membership),
            _ => None,
        }
    }
}
