//! What tracking is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{
    ApiKeyScope, BrandId, CampaignId, CampaignStatus, ClickId, ConversionId, ConversionType,
    Currency, DeclineReason, DisabledBy, EnrollmentStatus, GroupId, GroupStatus, Invalid, LinkCode,
    LinkStatus, Micros, Money, OrderId, PartnerId, PartnerStatus, TermsVersion, Uuid, WindowDays,
    check_utm_text,
};

/// What a link adds to its target's query: texts in which `{partner_id}`, `{campaign_id}` and `{code}` are filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utm {
    /// `utm_source`.
    pub source: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// `utm_campaign`.
    pub campaign: Option<String>,
    /// `utm_term`.
    pub term: Option<String>,
    /// `utm_content`.
    pub content: Option<String>,
}

impl Utm {
    /// Its parameters, by the names that they have in a query.
    pub fn parameters(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("utm_source", self.source.as_deref()),
            ("utm_medium", self.medium.as_deref()),
            ("utm_campaign", self.campaign.as_deref()),
            ("utm_term", self.term.as_deref()),
            ("utm_content", self.content.as_deref()),
        ]
    }

    /// What is wrong with them, each by its pointer in a request's body.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let pointers = [
            "/utm/source",
            "/utm/medium",
            "/utm/campaign",
            "/utm/term",
            "/utm/content",
        ];
        let texts = pointers.into_iter().zip(self.parameters());
        texts
            .filter_map(|(pointer, (_, text))| Some((pointer, check_utm_text(text?).err()?)))
            .collect()
    }
}

/// Asks for a link that leads a partner's visitors to a brand's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateLinkV1 {
    /// The campaign that it works for.
    pub campaign_id: String,
    /// Whose visitors.
    pub partner_id: String,
    /// Where it leads, on one of the campaign's hosts.
    pub target_url: String,
    /// What it adds to the target's query.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target; absent: it does not.
    pub deep_paths: Option<bool>,
}

/// Asks that a link leads elsewhere, is disabled or enabled: at least one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLinkV1 {
    /// Where it leads from now on, on one of the campaign's hosts; absent: where it did.
    pub target_url: Option<String>,
    /// `active` or `disabled`; absent: what it is.
    pub status: Option<String>,
    /// What it adds to the target's query from now on, one without fields nothing; absent: what it did.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target; absent: as it was.
    pub deep_paths: Option<bool>,
}

/// Reports what a visitor did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEventV1 {
    /// `purchase`, `lead`, `click`, `refund`, or any other, which is stored too.
    pub event_type: String,
    /// The visitor, as the brand knows them.
    pub user_id: String,
    /// When, as claimed; absent: when it was reported.
    pub occurred_at: Option<Micros>,
    /// Plain decimal text: its currency may not be known yet.
    pub amount: Option<String>,
    /// ISO 4217 code; absent: the campaign's.
    pub currency: Option<String>,
    /// The brand's order: one order is one conversion.
    pub order_id: Option<String>,
    /// The campaign, where the reporter knows it.
    pub campaign_id: Option<String>,
    /// The click that led there, where the reporter knows it.
    pub click_id: Option<String>,
    /// What was bought.
    pub product_id: Option<String>,
    /// The client's own notes: JSON text of at most 4 KiB, in no event.
    pub metadata: Option<String>,
    /// The visitor, in place of `user_id`, which is empty then. External producers give the id.
    pub visitor: Option<VisitorHashes>,
    /// Of a refund, the conversion that goes back: in place of the order, or beside it where it is of that order.
    pub conversion_id: Option<String>,
}

/// States whose click it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindClickV1 {
    /// The visitor, as the brand knows them; of external producers.
    pub user_id: Option<String>,
    /// The visitor, in place of `user_id`.
    pub visitor: Option<VisitorHashes>,
}

/// Asks that nothing is kept of a visitor but keyed hashes in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseVisitorV1 {
    /// Whose visitor.
    pub brand_id: String,
    /// Who.
    pub visitor: VisitorHashes,
}

/// A visitor by hashes of its id, made where it came in; in place of the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitorHashes {
    /// Names the key of the first hash.
    pub key: String,
    /// HMAC-SHA256 of the id, in 64 hexadecimal digits: what is kept.
    pub hash: String,
    /// The same under keys of before: what may have been kept.
    pub earlier: Vec<String>,
    /// What may have been kept before there were keys, readable only with the key.
    pub masked: String,
}

/// What attribution uses of a campaign's terms, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAdoptedV1 {
    /// The version that campaign published.
    pub version: TermsVersion,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// The currency of an amount that is reported without one.
    pub currency: Currency,
    /// Days from a click within which a conversion is attributed to it.
    pub window_days: WindowDays,
    /// From when it is in force.
    pub effective_at: Micros,
    /// Whether partners who accepted the version before keep that until they accept this one; absent: they do.
    pub worsens: Option<bool>,
}

/// What links use of an active campaign, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignAdoptedV1 {
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; absent: the first of its hosts.
    pub fallback_url: Option<String>,
    /// From when its links lead to their targets; absent: at once.
    pub starts_at: Option<Micros>,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not.
    pub trusts_redirects: Option<bool>,
    /// When they no longer do; absent: never.
    pub ends_at: Option<Micros>,
}

/// What links use of a campaign that was changed, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignChangeAdoptedV1 {
    /// Hosts that links of the campaign may lead to.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; absent: the first of its hosts.
    pub fallback_url: Option<String>,
    /// From when its links lead to their targets; absent: at once.
    pub starts_at: Option<Micros>,
    /// Whether the `user_id` of a redirect binds its click to that visitor; absent: it does not.
    pub trusts_redirects: Option<bool>,
    /// When they no longer do; absent: never.
    pub ends_at: Option<Micros>,
}

/// Whether a campaign's links lead to their targets, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignStatusAdoptedV1 {
    /// What the campaign is now.
    pub status: CampaignStatus,
}

/// Who may make links for a campaign, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentAdoptedV1 {
    /// Who accepted.
    pub partner_id: PartnerId,
    /// The version that was accepted.
    pub terms_version: TermsVersion,
    /// What the enrollment is: applied or enrolled; absent: enrolled.
    pub status: Option<EnrollmentStatus>,
}

/// A partner's links lead nowhere any more, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentEndAdoptedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// What the enrollment became.
    pub status: EnrollmentStatus,
}

/// Whether a partner's links may lead to their targets, as tracking's own fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerStatusAdoptedV1 {
    /// In whose campaigns; absent: everybody's.
    pub brand_id: Option<BrandId>,
    /// What the partner is there.
    pub status: PartnerStatus,
}

/// A link exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCreatedV1 {
    /// The campaign that it works for.
    pub campaign_id: CampaignId,
    /// Whose visitors.
    pub partner_id: PartnerId,
    /// Where it leads.
    pub target_url: String,
    /// What it adds to the target's query.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target; absent: it does not.
    pub deep_paths: Option<bool>,
    /// Whose campaign that is; absent in what was recorded before this field was.
    pub brand_id: Option<BrandId>,
}

/// A link leads elsewhere, is disabled or enabled: all that it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkChangedV1 {
    /// The campaign that it works for.
    pub campaign_id: CampaignId,
    /// Whose visitors.
    pub partner_id: PartnerId,
    /// Where it leads.
    pub target_url: String,
    /// Whether it does.
    pub status: LinkStatus,
    /// Who disabled it; absent of an active one.
    pub disabled_by: Option<DisabledBy>,
    /// When it was made.
    pub created_at: Micros,
    /// What it adds to the target's query.
    pub utm: Option<Utm>,
    /// Whether a path behind its code names a page below the target; absent: it does not.
    pub deep_paths: Option<bool>,
    /// Whose campaign that is; absent in what was recorded before this field was.
    pub brand_id: Option<BrandId>,
}

/// A purchase or lead is a partner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionAttributedV1 {
    /// `purchase` or `lead`.
    pub event_type: ConversionType,
    /// The brand's order.
    pub order_id: Option<OrderId>,
    /// The other conversion id that the order could be reported under: with its campaign, when it came without.
    pub alias_id: Option<ConversionId>,
    /// The campaign of the click.
    pub campaign_id: CampaignId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Whose it is.
    pub partner_id: PartnerId,
    /// The link that was clicked.
    pub link_code: LinkCode,
    /// The click.
    pub click_id: ClickId,
    /// What was paid; absent for a lead without a value.
    pub amount: Option<Money>,
    /// The version that the partner had accepted.
    pub terms_version: TermsVersion,
    /// When, as claimed.
    pub occurred_at: Micros,
    /// On whose word: `brand`, `operator`, or `claim` when the brand accepted the partner's. Absent in what was recorded before
    /// claims were.
    pub verified_by: Option<String>,
    /// When the click was made, as tracking has it. Absent of a claim, and in what was recorded before this field was.
    pub clicked_at: Option<Micros>,
    /// Whether the report named the click; else it is the visitor's last that counted by its own terms. Absent where `clicked_at` is.
    pub click_named: Option<bool>,
}

/// A purchase or lead is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionUnattributedV1 {
    /// `purchase` or `lead`.
    pub event_type: ConversionType,
    /// Why: a closed list of tracking.
    pub reason: String,
    /// Plain decimal text: its currency may not be known.
    pub amount: Option<String>,
    /// ISO 4217 code, where known.
    pub currency: Option<Currency>,
    /// The brand's order.
    pub order_id: Option<OrderId>,
    /// The campaign, where the reporter knew it.
    pub campaign_id: Option<CampaignId>,
    /// The click, where the reporter knew it.
    pub click_id: Option<ClickId>,
    /// The visitor, hashed.
    pub user_hash: String,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// Money of an attributed purchase went back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionRefundedV1 {
    /// Of this refund.
    pub amount: Money,
    /// Of all refunds of the purchase, this one included.
    pub refunded_total: Money,
    /// What was paid.
    pub purchase_amount: Money,
    /// Whose it is; absent in what was recorded before this field was.
    pub partner_id: Option<PartnerId>,
    /// The brand of its campaign; absent in what was recorded before this field was.
    pub brand_id: Option<BrandId>,
}

/// A refund came before its purchase, or for one that is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionRefundNotedV1 {
    /// Plain decimal text: its currency may not be known; absent: all of it.
    pub amount: Option<String>,
    /// ISO 4217 code, where known.
    pub currency: Option<Currency>,
    /// The brand's order.
    pub order_id: Option<OrderId>,
    /// The campaign, where the reporter knew it.
    pub campaign_id: Option<CampaignId>,
    /// The click, where the reporter knew it.
    pub click_id: Option<ClickId>,
    /// The visitor, hashed.
    pub user_hash: String,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// An order was reported again: nothing follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionDuplicateIgnoredV1 {
    /// As reported this time.
    pub event_type: String,
    /// Id of the event that the first report led to.
    pub first_event_id: Uuid,
    /// The brand's order.
    pub order_id: Option<OrderId>,
    /// The conversion that holds the order, when it is not this message's own.
    pub first_conversion_id: Option<ConversionId>,
    /// The brand of what was reported first; absent where that is nobody's, and in what was recorded before this field was.
    pub brand_id: Option<BrandId>,
}

/// Something else happened, and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingEventRecordedV1 {
    /// As reported.
    pub event_type: String,
    /// The visitor, hashed.
    pub user_hash: String,
    /// The link of the click, where known.
    pub link_code: Option<LinkCode>,
    /// The click, where known.
    pub click_id: Option<ClickId>,
    /// The campaign, where known.
    pub campaign_id: Option<CampaignId>,
    /// The brand's order, where one was given.
    pub order_id: Option<OrderId>,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// Takes a partner's claim for true: it becomes a conversion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptClaimV1 {}

/// Declines a partner's claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclineClaimV1 {
    /// Why, for the partner.
    pub reason: String,
}

/// What a partner claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedSale {
    /// The conversion that it would be.
    pub conversion_id: ConversionId,
    /// `purchase` or `lead`.
    pub event_type: ConversionType,
    /// The brand's order.
    pub order_id: Option<OrderId>,
    /// The campaign of the click.
    pub campaign_id: CampaignId,
    /// The brand that owns the campaign, and decides.
    pub brand_id: BrandId,
    /// Who claims it.
    pub partner_id: PartnerId,
    /// The link that was clicked.
    pub link_code: LinkCode,
    /// The click.
    pub click_id: ClickId,
    /// What was paid; absent for a lead without a value.
    pub amount: Option<Money>,
    /// The version that the partner had accepted.
    pub terms_version: TermsVersion,
    /// When, as claimed.
    pub occurred_at: Micros,
}

/// A partner says that a click of its own led to a purchase or lead: nobody is paid for it until the brand says so, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionClaimedV1 {
    /// What is claimed.
    pub sale: ClaimedSale,
    /// The visitor, hashed; absent in what was claimed before this was said.
    pub user_hash: Option<String>,
}

/// The claimed order is known from who may say so: what follows from it follows from that report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimSettledV1 {
    /// What was claimed.
    pub sale: ClaimedSale,
    /// The conversion of the order.
    pub conversion_id: ConversionId,
}

/// The brand takes a claim for true; the conversion stands beside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAcceptedV1 {
    /// The conversion that it became.
    pub conversion_id: ConversionId,
    /// Whose it is; absent in what was recorded before this field was.
    pub partner_id: Option<PartnerId>,
    /// The brand of its campaign; absent in what was recorded before this field was.
    pub brand_id: Option<BrandId>,
}

/// The brand declines a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimDeclinedV1 {
    /// Why, for the partner.
    pub reason: DeclineReason,
    /// Whose it is; absent in what was recorded before this field was.
    pub partner_id: Option<PartnerId>,
    /// The brand of its campaign; absent in what was recorded before this field was.
    pub brand_id: Option<BrandId>,
}

/// Whose click it was is known from who may say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickBoundV1 {
    /// The campaign of its link.
    pub campaign_id: CampaignId,
    /// The brand that owns the campaign.
    pub brand_id: BrandId,
    /// Whose link it is.
    pub partner_id: PartnerId,
    /// The link that was clicked.
    pub link_code: LinkCode,
    /// When.
    pub clicked_at: Micros,
    /// A keyed hash of the visitor's id.
    pub user_hash: String,
}

/// What an API key opens, as tracking's own fact: all that it is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyAdoptedV1 {
    /// Whose.
    pub brand_id: BrandId,
    /// What it may do; of a revoked one nothing.
    pub scopes: Vec<ApiKeyScope>,
    /// SHA-256 of the whole key, in hexadecimal; absent: it was revoked.
    pub hash: Option<String>,
    /// Until when it is valid; absent: until it is revoked.
    pub expires_at: Option<Micros>,
    /// The hash of the key of before, while that goes on.
    pub previous_hash: Option<String>,
    /// Until when that is.
    pub previous_until: Option<Micros>,
}

/// Of a visitor nothing is kept but keyed hashes in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitorErasedV1 {
    /// Whose visitor.
    pub brand_id: BrandId,
    /// A keyed hash of the visitor's id.
    pub user_hash: String,
}

/// What a group is now is known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAdoptedV1 {
    /// Whether partners are in it.
    pub status: GroupStatus,
    /// How many links a partner in it may have in the brand's campaigns; absent: as many as it likes.
    pub link_limit: Option<i32>,
}

/// In which group of a brand a partner is, is known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerMoveAdoptedV1 {
    /// Who.
    pub partner_id: PartnerId,
    /// In which group.
    pub group_id: GroupId,
}
