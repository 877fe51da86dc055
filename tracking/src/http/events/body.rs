//! The body of a report: what stands beside `metadata` and what stands inside it.

use std::fmt::Display;

use chassis::json::{AmountText, Check, Metadata, Text};
use chassis::problem::Fields;
use chassis::time::{self, Timestamp};
use money::{Amount, CampaignId, ClickId, Currency, OrderId};
use schemas::RecordEventV1;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::EventType;

/// Reports what a visitor did. What stands beside `metadata` may stand inside it instead; both and different is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordEvent {
    /// The visitor, as the shop knows them.
    #[schema(example = "user123")]
    user_id: Text<128>,
    /// `purchase`, `lead`, `refund`, `click`, or any other name of `A-Z a-z 0-9 _ - .`
    #[schema(example = "purchase")]
    event_type: Text<64>,
    /// When; absent: now. At most five minutes ahead.
    occurred_at: Option<Timestamp>,
    /// What was paid or goes back; a refund without one is of all that is left.
    amount: Option<AmountText>,
    /// ISO 4217 code; absent: the campaign's.
    #[schema(example = "USD")]
    currency: Option<Text<3>>,
    /// The shop's order: one order is one conversion.
    #[schema(example = "order-1001")]
    order_id: Option<Text<64>>,
    /// The campaign, where it is known.
    campaign_id: Option<Text<64>>,
    /// The click that led there, where it is known.
    click_id: Option<Text<64>>,
    /// What was bought.
    #[schema(example = "prod456")]
    product_id: Option<Text<64>>,
    /// Your own notes, kept beside the event.
    metadata: Option<Metadata>,
}

/// A report whose fields were gathered from beside and inside `metadata`.
pub(super) struct Gathered {
    event_type: EventType,
    amount: Option<Amount>,
    currency: Option<Currency>,
    pub(super) order: Option<OrderId>,
    pub(super) campaign: Option<CampaignId>,
    click: Option<ClickId>,
    product: Option<Text<64>>,
}

/// Something was refused, which `Fields` tells.
pub(super) struct Refused;

impl Check for RecordEvent {
    fn check(&self, fields: &mut Fields) {
        if let Some(Timestamp(at)) = self.occurred_at {
            time::refuse_future(fields, "/occurred_at", at, time::now());
        }
        let _ = self.gather(fields);
    }
}

impl RecordEvent {
    /// Reads every field before it gives up, so that all that is wrong is told.
    pub(super) fn gather(&self, fields: &mut Fields) -> Result<Gathered, Refused> {
        let wrong_type = "must be 1 to 64 characters from A-Z a-z 0-9 _ - .";
        let event_type = EventType::parse(&self.event_type).ok_or(wrong_type);
        let event_type = fields.take("/event_type", event_type);
        let amount = self.amount(fields);
        let currency = self.field(fields, "currency", self.currency.as_deref(), str::parse);
        let order = self.field(fields, "order_id", self.order_id.as_deref(), str::parse);
        let campaign = self.field(
            fields,
            "campaign_id",
            self.campaign_id.as_deref(),
            str::parse,
        );
        let click = self.field(fields, "click_id", self.click_id.as_deref(), str::parse);
        let product = self.field(fields, "product_id", self.product_id.as_deref(), |text| {
            Text::<64>::parse(text)
        });
        let gathered = Gathered {
            event_type: event_type.ok_or(Refused)?,
            amount: amount?,
            currency: currency?,
            order: order?,
            campaign: campaign?,
            click: click?,
            product: product?,
        };
        gathered.require(fields);
        Ok(gathered)
    }

    fn amount(&self, fields: &mut Fields) -> Result<Option<Amount>, Refused> {
        let beside = match &self.amount {
            Some(text) => Some(take(fields, "/amount", text.amount())?),
            None => None,
        };
        let pointer = "/metadata/amount";
        let inside = match &self.metadata {
            Some(metadata) => take(fields, pointer, metadata.amount("amount"))?,
            None => None,
        };
        let inside = match inside {
            Some(text) => Some(take(fields, pointer, text.amount())?),
            None => None,
        };
        one(fields, pointer, beside, inside)
    }

    /// A field from beside or inside `metadata`.
    fn field<T: PartialEq, E: Display>(
        &self,
        fields: &mut Fields,
        name: &'static str,
        beside: Option<&str>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Refused> {
        let (pointer, inner) = pointers(name);
        let beside = match beside {
            Some(text) => Some(take(fields, pointer, parse(text))?),
            None => None,
        };
        let inside = match &self.metadata {
            Some(metadata) => take(fields, inner, metadata.string(name))?,
            None => None,
        };
        let inside = match inside {
            Some(text) => Some(take(fields, inner, parse(&text))?),
            None => None,
        };
        one(fields, inner, beside, inside)
    }
}

fn take<T, E: Display>(
    fields: &mut Fields,
    pointer: &'static str,
    read: Result<T, E>,
) -> Result<T, Refused> {
    fields.take(pointer, read).ok_or(Refused)
}

fn pointers(name: &str) -> (&'static str, &'static str) {
    match name {
        "currency" => ("/currency", "/metadata/currency"),
        "order_id" => ("/order_id", "/metadata/order_id"),
        "campaign_id" => ("/campaign_id", "/metadata/campaign_id"),
        "click_id" => ("/click_id", "/metadata/click_id"),
        _ => ("/product_id", "/metadata/product_id"),
    }
}

fn one<T: PartialEq>(
    fields: &mut Fields,
    pointer: &'static str,
    beside: Option<T>,
    inside: Option<T>,
) -> Result<Option<T>, Refused> {
    match (beside, inside) {
        (Some(beside), Some(inside)) if beside != inside => {
            fields.refuse(
                pointer,
                "differs from the field of this name beside metadata",
            );
            Err(Refused)
        }
        (beside, inside) => Ok(beside.or(inside)),
    }
}

impl Gathered {
    /// What the domain would refuse without looking anything up.
    fn require(&self, fields: &mut Fields) {
        let refund = self.event_type == EventType::Refund;
        let purchase = self.event_type == EventType::Purchase;
        fields.require(!purchase || self.amount.is_some(), "/amount", "is missing");
        fields.require(!refund || self.order.is_some(), "/order_id", "is missing");
        let nothing = refund && self.amount.is_some_and(Amount::is_zero);
        fields.require(!nothing, "/amount", "must be more than zero");
        if let (Some(amount), Some(currency)) = (self.amount, self.currency) {
            fields.take("/amount", amount.into_money(currency));
        }
    }
}

/// The command that a body is.
pub(super) fn command(body: RecordEvent, gathered: Gathered) -> RecordEventV1 {
    RecordEventV1 {
        event_type: gathered.event_type.as_str().to_owned(),
        user_id: body.user_id.into_string(),
        occurred_at: body.occurred_at.map(|Timestamp(at)| at),
        amount: gathered.amount.as_ref().map(Amount::to_string),
        currency: gathered.currency.as_ref().map(Currency::to_string),
        order_id: gathered.order.map(OrderId::into_string),
        campaign_id: gathered.campaign.map(CampaignId::into_string),
        click_id: gathered.click.map(ClickId::into_string),
        product_id: gathered.product.map(Text::into_string),
        metadata: body.metadata.map(|metadata| metadata.as_str().to_owned()),
    }
}
