//! What tracking is asked.

use chassis::json::{AmountText, Check, Metadata, MetadataError, Text, WebUrl};
use chassis::problem::Fields;
use chassis::time::{Timestamp, now, refuse_future};
use schemas::{
    About, AcceptClaimV1, BindClickV1, ChangeLinkV1, CreateLinkV1, DeclineClaimV1, EraseVisitorV1,
    RecordEventV1, Utm, Written,
};
use serde::{Deserialize, Serialize};
use types::{
    Amount, BrandId, CampaignId, ClaimId, ClickId, ConversionId, Currency, DeclineReason,
    ErasureId, LinkCode, LinkStatus, OrderId, PartnerId, Uuid, check_event_type,
};
use utoipa::ToSchema;

use crate::either_place::EitherPlace;
use crate::{lists, visitor};

/// Links of one request.
const MAX_LINKS: usize = 100;

requests! {
    CreateLink = "tracking.create_link.command.v1", "create_link";
    CreateLinks = "tracking.create_link.command.v1", "create_links";
    ChangeLink = "tracking.change_link.command.v1", "change_link";
    RecordEvent = "tracking.record_event.command.v1", "record_event";
    BindClick = "tracking.bind_click.command.v1", "bind_click";
    EraseVisitor = "tracking.erase_visitor.command.v1", "erase_visitor";
    AcceptClaim = "tracking.accept_claim.command.v1", "accept_claim";
    DeclineClaim = "tracking.decline_claim.command.v1", "decline_claim";
}

named! {
    partner_id: PartnerId of CreateLink;
}

/// What a link adds to its target's query, but for what stands there. `{partner_id}`, `{campaign_id}` and `{code}` are filled in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkUtm {
    /// `utm_source`.
    #[schema(example = "partners", min_length = 1, max_length = 100)]
    source: Option<String>,
    /// `utm_medium`.
    #[schema(example = "affiliate", min_length = 1, max_length = 100)]
    medium: Option<String>,
    /// `utm_campaign`.
    #[schema(example = "{campaign_id}", min_length = 1, max_length = 100)]
    campaign: Option<String>,
    /// `utm_term`.
    #[schema(min_length = 1, max_length = 100)]
    term: Option<String>,
    /// `utm_content`.
    #[schema(example = "{partner_id}", min_length = 1, max_length = 100)]
    content: Option<String>,
}

impl From<LinkUtm> for Utm {
    fn from(utm: LinkUtm) -> Self {
        Self {
            source: utm.source,
            medium: utm.medium,
            campaign: utm.campaign,
            term: utm.term,
            content: utm.content,
        }
    }
}

impl From<Utm> for LinkUtm {
    fn from(utm: Utm) -> Self {
        Self {
            source: utm.source,
            medium: utm.medium,
            campaign: utm.campaign,
            term: utm.term,
            content: utm.content,
        }
    }
}

fn check_utm(utm: Option<&LinkUtm>, fields: &mut Fields) {
    let faults = utm.map(|utm| Utm::from(utm.clone()).faults());
    for (pointer, invalid) in faults.unwrap_or_default() {
        fields.refuse(pointer, invalid.to_string());
    }
}

/// A link that leads a partner's visitors to a brand's page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// The campaign that it works for.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
    /// Whose visitors; absent: the token's own partner. An operator must give it.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// Where it leads, on one of the campaign's hosts.
    target_url: WebUrl,
    /// What stands behind `/c/`; absent: one is made.
    #[schema(value_type = Option<String>, example = "spring-sale")]
    code: Option<LinkCode>,
    /// What it adds to the target's query.
    utm: Option<LinkUtm>,
    /// Whether `/c/{code}/some/path` leads to that page below the target; absent: it does not.
    deep_paths: Option<bool>,
}

impl Check for CreateLink {
    fn check(&self, fields: &mut Fields) {
        check_utm(self.utm.as_ref(), fields);
    }
}

/// Several links, each made or refused on its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLinks {
    /// As many as the body may have bytes for, and 100 at most.
    #[schema(min_items = 1, max_items = 100)]
    links: Vec<CreateLink>,
}

impl Check for CreateLinks {
    fn check(&self, fields: &mut Fields) {
        let has = (1..=MAX_LINKS).contains(&self.links.len());
        fields.require(has, "/links", "must be 1 to 100 links");
        for (place, link) in self.links.iter().enumerate() {
            fields.within(&link_at(place), |fields| link.check(fields));
        }
    }
}

impl CreateLinks {
    /// Each of them.
    pub fn into_links(self) -> Vec<CreateLink> {
        self.links
    }
}

/// The pointer to one of several links.
pub fn link_at(place: usize) -> String {
    format!("/links/{place}")
}

impl CreateLink {
    /// As the command of this id, of this partner's link.
    pub fn command(self, id: Uuid, partner: PartnerId) -> Written {
        let code = self.code.unwrap_or_else(|| LinkCode::of_command(id));
        let create = CreateLinkV1 {
            campaign_id: self.campaign_id.into_string(),
            partner_id: partner.into_string(),
            target_url: self.target_url.into_string(),
            utm: self.utm.map(Utm::from),
            deep_paths: self.deep_paths,
        };
        About::of(code, create).write()
    }
}

/// What changes in a link: at least one of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ChangeLink {
    /// Where it leads from now on, on one of the campaign's hosts; absent: where it did. For its partner, and for operators.
    target_url: Option<WebUrl>,
    /// Whether it leads there; absent: as it was.
    #[schema(value_type = Option<lists::LinkStatus>)]
    status: Option<LinkStatus>,
    /// What it adds to the target's query from now on, `{}` nothing; absent: what it did. For whom the target is.
    utm: Option<LinkUtm>,
    /// Whether `/c/{code}/some/path` leads to that page below the target; absent: as it was. For whom the target is.
    deep_paths: Option<bool>,
}

impl Check for ChangeLink {
    fn check(&self, fields: &mut Fields) {
        check_utm(self.utm.as_ref(), fields);
        let says = self.target_url.is_some()
            || self.status.is_some()
            || self.utm.is_some()
            || self.deep_paths.is_some();
        fields.require(says, "", "must change something");
    }
}

impl ChangeLink {
    /// As a command, of this link.
    pub fn command(self, code: LinkCode) -> Written {
        let change = ChangeLinkV1 {
            target_url: self.target_url.map(WebUrl::into_string),
            status: self.status.map(|status| status.name().to_owned()),
            utm: self.utm.map(Utm::from),
            deep_paths: self.deep_paths,
        };
        About::of(code, change).write()
    }
}

/// What was bought, as its shop calls it.
pub type ProductId = Text<64>;

/// What a visitor did. `amount`, `currency`, `order_id`, `campaign_id`, `click_id` and `product_id` may stand in
/// `metadata` instead; in both places they must say the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordEvent {
    /// The visitor, as the brand knows them.
    #[schema(example = "user123")]
    user_id: Text<128>,
    /// `purchase`, `lead`, `click`, `refund`, or any other, which is stored too.
    /// 1 to 64 characters from `A-Z a-z 0-9 _ - .`.
    #[schema(example = "purchase", min_length = 1, max_length = 64)]
    event_type: String,
    /// When, as claimed; absent: now. At most five minutes ahead.
    occurred_at: Option<Timestamp>,
    /// What was paid or goes back: not negative, with no more decimals than the currency has. A refund without one is of
    /// all that is left.
    amount: Option<AmountText>,
    /// ISO 4217 code; absent: the campaign's.
    #[schema(example = "USD", min_length = 3, max_length = 3)]
    currency: Option<String>,
    /// The brand's order: one order is one conversion.
    #[schema(example = "order-1001", min_length = 1, max_length = 64)]
    order_id: Option<String>,
    /// The campaign, where the reporter knows it.
    #[schema(min_length = 1, max_length = 64)]
    campaign_id: Option<String>,
    /// The click that led there, where the reporter knows it.
    #[schema(min_length = 1, max_length = 64)]
    click_id: Option<String>,
    /// Of a refund, the conversion that goes back, as the answer to its report names it: in place of `order_id`, or beside it where it is
    /// of that order. What was reported without an order goes back by this alone.
    #[schema(value_type = Option<Uuid>)]
    conversion_id: Option<String>,
    /// What was bought.
    #[schema(example = "prod456", min_length = 1, max_length = 64)]
    product_id: Option<String>,
    /// The client's own notes, kept beside the event.
    metadata: Option<Metadata>,
}

/// Whose click it was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindClick {
    /// The visitor, as the brand knows them.
    #[schema(example = "user123")]
    user_id: Text<128>,
}

impl Check for BindClick {}

impl BindClick {
    /// As a command, of this click.
    pub fn command(self, click: ClickId) -> Written {
        let bind = BindClickV1 {
            user_id: None,
            visitor: Some(visitor::write(&self.user_id)),
        };
        About::of(click, bind).write()
    }
}

/// Of whom nothing is to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseVisitor {
    /// Whose visitor.
    #[schema(value_type = String, example = "brand1")]
    brand_id: BrandId,
    /// The visitor, as the brand knows them.
    #[schema(example = "user123")]
    user_id: Text<128>,
}

impl Check for EraseVisitor {}

impl EraseVisitor {
    /// Whose visitor.
    pub fn brand_id(&self) -> &BrandId {
        &self.brand_id
    }

    /// Who, by what is kept of the id.
    pub fn visitor(&self) -> visitor::Hashes {
        visitor::hashes(&self.user_id)
    }

    /// As the command of this id.
    pub fn command(self, id: Uuid) -> Written {
        let erase = EraseVisitorV1 {
            visitor: visitor::write(&self.user_id),
            brand_id: self.brand_id.into_string(),
        };
        About::of(ErasureId::of_command(id), erase).write()
    }
}

bodiless! {
    /// That a claim is true.
    AcceptClaim of ClaimId: AcceptClaimV1;
}

/// Declines a claim.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineClaim {
    /// Why, for the partner.
    #[schema(value_type = lists::DeclineReason)]
    reason: DeclineReason,
}

impl Check for DeclineClaim {}

impl DeclineClaim {
    /// As a command, of this claim.
    pub fn command(self, claim: ClaimId) -> Written {
        let reason = self.reason.name().to_owned();
        About::of(claim, DeclineClaimV1 { reason }).write()
    }
}

/// The fields that may stand beside or inside metadata, found.
#[derive(Debug, Default)]
struct Found {
    amount: Option<Amount>,
    currency: Option<Currency>,
    order: Option<OrderId>,
    campaign: Option<CampaignId>,
    click: Option<ClickId>,
    product: Option<ProductId>,
}

impl Check for RecordEvent {
    fn check(&self, fields: &mut Fields) {
        fields.take("/event_type", check_event_type(&self.event_type));
        if let Some(Timestamp(claimed)) = self.occurred_at {
            refuse_future(fields, "/occurred_at", claimed, now());
        }
        if let Some(named) = &self.conversion_id {
            let is_one = ConversionId::named(named).is_some();
            fields.require(is_one, "/conversion_id", "must be a UUID");
            let is_refund = self.event_type == "refund";
            fields.require(is_refund, "/conversion_id", "is for a refund alone");
        }
        let mut seen = Fields::new();
        let found = self.find(&mut seen);
        // What is missing is reported only when nothing is wrong: it may be what was refused.
        match seen.finish() {
            Ok(()) => found.require(&self.event_type, self.conversion_id.is_some(), fields),
            Err(problem) => {
                for error in problem.errors() {
                    let pointer = error.pointer.clone().unwrap_or_default();
                    fields.refuse(pointer, error.detail.clone());
                }
            }
        }
    }
}

impl Found {
    /// What tracking would refuse without looking anything up.
    fn require(&self, event_type: &str, names_conversion: bool, fields: &mut Fields) {
        let (purchase, refund) = (event_type == "purchase", event_type == "refund");
        fields.require(!purchase || self.amount.is_some(), "/amount", "is missing");
        let says_of_what = self.order.is_some() || names_conversion;
        let neither = "is missing, and so is conversion_id";
        fields.require(!refund || says_of_what, "/order_id", neither);
        let nothing = refund && self.amount.is_some_and(Amount::is_zero);
        fields.require(!nothing, "/amount", "must be more than zero");
        if let (Some(amount), Some(currency)) = (self.amount, self.currency) {
            fields.take("/amount", amount.into_money(currency));
        }
    }
}

impl RecordEvent {
    /// As the command of this id. `shop` is the brand that its reporter speaks for.
    pub fn command(self, id: Uuid, shop: Option<&BrandId>) -> Written {
        let found = self.find(&mut Fields::new());
        let (campaign, order) = (found.campaign.as_ref(), found.order.as_ref());
        let named = self.conversion_id.as_deref().and_then(ConversionId::named);
        let named_id = named.as_ref().map(ConversionId::to_string);
        let conversion =
            named.unwrap_or_else(|| ConversionId::of_report(shop, campaign, order, id));
        let record = RecordEventV1 {
            event_type: self.event_type,
            user_id: String::new(),
            occurred_at: self.occurred_at.map(|Timestamp(at)| at),
            amount: found.amount.map(|amount| amount.to_string()),
            currency: found.currency.map(|currency| currency.code().to_owned()),
            order_id: found.order.map(OrderId::into_string),
            campaign_id: found.campaign.map(CampaignId::into_string),
            click_id: found.click.map(ClickId::into_string),
            product_id: found.product.map(Text::into_string),
            metadata: self.metadata.map(|notes| notes.as_str().to_owned()),
            visitor: Some(visitor::write(&self.user_id)),
            conversion_id: named_id,
        };
        About::of(conversion, record).write()
    }

    /// Finds the fields, noting what is wrong with them where it stands.
    fn find(&self, fields: &mut Fields) -> Found {
        let amount = EitherPlace {
            places: ["/amount", "/metadata/amount"],
            beside: self.amount.as_ref(),
            inside: self.inside(|metadata| metadata.amount("amount")),
        };
        let currency = ["/currency", "/metadata/currency"];
        let order = ["/order_id", "/metadata/order_id"];
        let campaign = ["/campaign_id", "/metadata/campaign_id"];
        let click = ["/click_id", "/metadata/click_id"];
        let product = ["/product_id", "/metadata/product_id"];
        Found {
            amount: amount.one(fields, AmountText::amount),
            currency: self
                .text(currency, self.currency.as_ref())
                .one(fields, |text| text.parse()),
            order: self
                .text(order, self.order_id.as_ref())
                .one(fields, |text| text.parse()),
            campaign: self
                .text(campaign, self.campaign_id.as_ref())
                .one(fields, |text| text.parse()),
            click: self
                .text(click, self.click_id.as_ref())
                .one(fields, |text| text.parse()),
            product: self
                .text(product, self.product_id.as_ref())
                .one(fields, |text| Text::parse(text.as_str())),
        }
    }

    fn text<'a>(
        &self,
        places: [&'static str; 2],
        beside: Option<&'a String>,
    ) -> EitherPlace<'a, String> {
        let name = places[0].trim_start_matches('/');
        EitherPlace {
            places,
            beside,
            inside: self.inside(|metadata| metadata.string(name)),
        }
    }

    fn inside<T>(
        &self,
        get: impl FnOnce(&Metadata) -> Result<Option<T>, MetadataError>,
    ) -> Result<Option<T>, MetadataError> {
        self.metadata.as_ref().map_or(Ok(None), get)
    }
}
