//! What can happen in tracking.

use schemas::{About, ConversionAttributedV1};
use types::{
    Amount, CampaignId, ClickId, ConversionId, ConversionType, Currency, LinkCode, Micros, OrderId,
};

use super::{EventType, UnattributedReason, UserHash};

schemas::events! {
    /// What happened: everything that the tables hold is the fold of these.
    pub enum Event {
        /// A version of a campaign's terms is known here.
        TermsAdopted(TermsAdoptedV1),
        /// An active campaign is known here.
        CampaignAdopted(CampaignAdoptedV1),
        /// A partner of a campaign is known here.
        EnrollmentAdopted(EnrollmentAdoptedV1),
        /// A link exists.
        LinkCreated(LinkCreatedV1),
        /// A purchase or lead is a partner's.
        Attributed(ConversionAttributedV1),
        /// A purchase or lead is nobody's.
        Unattributed(ConversionUnattributedV1 as Unattributed),
        /// Money of an attributed purchase went back.
        Refunded(ConversionRefundedV1),
        /// A refund that takes nothing back, now or ever.
        RefundNoted(ConversionRefundNotedV1 as RefundNoted),
        /// An order was reported again.
        DuplicateIgnored(ConversionDuplicateIgnoredV1),
        /// Something else happened.
        Recorded(TrackingEventRecordedV1 as EventRecorded),
        /// A partner claims a purchase or lead.
        Claimed(ConversionClaimedV1),
        /// A claimed order is known from who may say so.
        ClaimSettled(ClaimSettledV1),
        /// A claim is true.
        ClaimAccepted(ClaimAcceptedV1),
        /// A claim is declined.
        ClaimDeclined(ClaimDeclinedV1),
        /// What a campaign is now is known here.
        CampaignStatusAdopted(CampaignStatusAdoptedV1),
        /// That a partner is in a campaign no more is known here.
        EnrollmentEndAdopted(EnrollmentEndAdoptedV1),
        /// Whether a partner is banned is known here.
        PartnerStatusAdopted(PartnerStatusAdoptedV1),
        /// That a campaign is another is known here.
        CampaignChangeAdopted(CampaignChangeAdoptedV1),
        /// A link leads elsewhere, is disabled or enabled.
        LinkChanged(LinkChangedV1),
        /// Whose a click was.
        ClickBound(ClickBoundV1),
        /// What an API key opens is known here.
        ApiKeyAdopted(ApiKeyAdoptedV1),
        /// Of a visitor nothing is kept any more.
        VisitorErased(VisitorErasedV1),
        /// What a group is now is known here.
        GroupAdopted(GroupAdoptedV1),
        /// In which group a partner is, is known here.
        PartnerMoveAdopted(PartnerMoveAdoptedV1),
        /// A partner who was let in has a link, or gets none.
        LinkAnswered(WorkflowLinkAnsweredV1),
    }
}

schemas::events! {
    /// What tracking is sent by campaign.
    pub enum Fact {
        /// A version of a campaign's terms is in force.
        TermsPublished(TermsPublishedV1),
        /// Partners may join a campaign.
        CampaignActivated(CampaignActivatedV1),
        /// A partner is in a campaign.
        EnrollmentAccepted(EnrollmentAcceptedV1),
        /// A campaign stops for a while.
        CampaignPaused(CampaignPausedV1),
        /// It goes on.
        CampaignResumed(CampaignResumedV1),
        /// It has ended for good.
        CampaignClosed(CampaignClosedV1),
        /// A partner is in a campaign no more.
        EnrollmentEnded(EnrollmentEndedV1),
        /// A partner wants to be in a campaign.
        EnrollmentApplied(EnrollmentAppliedV1),
        /// It is in.
        EnrollmentApproved(EnrollmentApprovedV1),
        /// It is not.
        EnrollmentRejected(EnrollmentRejectedV1),
        /// A partner may be in no campaign of a brand, or in none at all.
        PartnerBanned(PartnerBannedV1),
        /// It may again.
        PartnerUnbanned(PartnerUnbannedV1),
        /// A campaign is another.
        CampaignChanged(CampaignChangedV1),
        /// An API key of a brand exists.
        ApiKeyCreated(ApiKeyCreatedV1),
        /// It has another secret.
        ApiKeyRotated(ApiKeyRotatedV1),
        /// It opens nothing any more.
        ApiKeyRevoked(ApiKeyRevokedV1),
        /// A brand has a group more.
        GroupCreated(GroupCreatedV1),
        /// A group is another.
        GroupChanged(GroupChangedV1),
        /// A partner is in another group.
        PartnerMoved(PartnerMovedV1),
    }
}

/// A purchase or lead that is a partner's.
pub type Attributed = About<ConversionAttributedV1>;

/// A purchase or lead is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unattributed {
    /// The conversion.
    pub conversion: ConversionId,
    /// Purchase or lead.
    pub event_type: ConversionType,
    /// Why.
    pub reason: UnattributedReason,
    /// What was paid.
    pub amount: Option<Amount>,
    /// Of which currency, where known.
    pub currency: Option<Currency>,
    /// The shop's order.
    pub order: Option<OrderId>,
    /// The campaign, as reported.
    pub campaign: Option<CampaignId>,
    /// The click, as reported.
    pub click: Option<ClickId>,
    /// Who.
    pub user: UserHash,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// A refund came before its purchase, or for one that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNoted {
    /// The conversion.
    pub conversion: ConversionId,
    /// How much; none: all of it.
    pub amount: Option<Amount>,
    /// Of which currency, where known.
    pub currency: Option<Currency>,
    /// The shop's order.
    pub order: Option<OrderId>,
    /// The campaign, as reported.
    pub campaign: Option<CampaignId>,
    /// The click, as reported.
    pub click: Option<ClickId>,
    /// Who.
    pub user: UserHash,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// Something else happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecorded {
    /// Names this report.
    pub conversion: ConversionId,
    /// As reported.
    pub event_type: EventType,
    /// Who.
    pub user: UserHash,
    /// The link of the click, where known.
    pub link: Option<LinkCode>,
    /// The click, where known.
    pub click: Option<ClickId>,
    /// The campaign, where known.
    pub campaign: Option<CampaignId>,
    /// The shop's order, where one was given.
    pub order: Option<OrderId>,
    /// When, as claimed.
    pub occurred_at: Micros,
}
