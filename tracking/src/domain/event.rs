//! What can happen in tracking.

use money::{
    Amount, BrandId, CampaignId, ClickId, ConversionId, Currency, EnrollmentId, LinkCode, Micros,
    Money, OrderId, PartnerId, Uuid,
};

use super::{EventType, Reason, UserHash};

/// What happened: everything that the tables hold is the fold of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A version of a campaign's terms is known here.
    TermsAdopted {
        /// The campaign.
        campaign: CampaignId,
        /// What attribution uses of it.
        terms: Terms,
    },
    /// An active campaign is known here.
    CampaignAdopted {
        /// The campaign.
        campaign: CampaignId,
        /// Who owns it.
        brand: BrandId,
        /// Where its links may lead.
        allowed_hosts: Vec<String>,
    },
    /// A partner of a campaign is known here.
    EnrollmentAdopted {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// The campaign.
        campaign: CampaignId,
        /// Who accepted.
        partner: PartnerId,
        /// Which version of the terms.
        terms_version: i32,
    },
    /// A link exists.
    LinkCreated {
        /// Its code.
        code: LinkCode,
        /// The campaign that it works for.
        campaign: CampaignId,
        /// Whose visitors.
        partner: PartnerId,
        /// Where it leads.
        target_url: String,
    },
    /// A purchase or lead is a partner's.
    Attributed(Attributed),
    /// A purchase or lead is nobody's.
    Unattributed(Unattributed),
    /// Money of an attributed purchase went back.
    Refunded(Refunded),
    /// A refund that takes nothing back, now or ever.
    RefundNoted(RefundNoted),
    /// An order was reported again.
    DuplicateIgnored(DuplicateIgnored),
    /// Something else happened.
    Recorded(EventRecorded),
}

/// What attribution uses of a version of a campaign's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Counts from 1.
    pub version: i32,
    /// Who owns the campaign.
    pub brand: BrandId,
    /// Of an amount that is reported without one.
    pub currency: Currency,
    /// Days from a click within which a conversion is attributed to it.
    pub window_days: i32,
    /// From when it is in force.
    pub effective_at: Micros,
}

/// A purchase or lead is a partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributed {
    /// The conversion.
    pub conversion: ConversionId,
    /// Purchase or lead.
    pub event_type: EventType,
    /// The shop's order.
    pub order: Option<OrderId>,
    /// The other conversion id that the order could be reported under, which is this one's from now on.
    pub alias: Option<ConversionId>,
    /// The campaign of the click.
    pub campaign: CampaignId,
    /// Who pays.
    pub brand: BrandId,
    /// Who earns.
    pub partner: PartnerId,
    /// The link that was clicked.
    pub link: LinkCode,
    /// The click.
    pub click: ClickId,
    /// What was paid; none for a lead without a value.
    pub amount: Option<Money>,
    /// The version that the partner had accepted.
    pub terms_version: i32,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// A purchase or lead is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unattributed {
    /// The conversion.
    pub conversion: ConversionId,
    /// Purchase or lead.
    pub event_type: EventType,
    /// Why.
    pub reason: Reason,
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

/// Money of an attributed purchase went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The conversion.
    pub conversion: ConversionId,
    /// Of this refund.
    pub amount: Money,
    /// Of all refunds, this one included: never above the purchase.
    pub refunded_total: Money,
    /// What was paid.
    pub purchase_amount: Money,
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

/// An order was reported again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateIgnored {
    /// The conversion that this report names.
    pub conversion: ConversionId,
    /// As reported this time.
    pub event_type: EventType,
    /// The event that the first report led to.
    pub first_event: Uuid,
    /// The shop's order.
    pub order: Option<OrderId>,
    /// The conversion that holds the order, when it is not the one that this report names.
    pub first_conversion: Option<ConversionId>,
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
