//! `/api/v1/tracking/events`

use std::fmt::Display;

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{AmountText, Check, Metadata, Text};
use chassis::openapi::Problems;
use chassis::problem::{Fields, Problem};
use chassis::time::{self, Timestamp};
use chassis::write::Write;
use host::{Ask, Asked, Host};
use money::{Amount, CampaignId, ClickId, Currency, Money, OrderId};
use schemas::{Body, Message, RecordEventV1, WireMoney};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::conversions::Paid;
use crate::domain::{EventType, Report};
use crate::messages::event_outcome;

/// Reports what a visitor did. What stands beside `metadata` may stand inside it instead; both and different is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordEvent {
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
struct Gathered {
    event_type: EventType,
    amount: Option<Amount>,
    currency: Option<Currency>,
    order: Option<OrderId>,
    campaign: Option<CampaignId>,
    click: Option<ClickId>,
    product: Option<Text<64>>,
}

/// Something was refused, which `Fields` tells.
struct Refused;

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
    fn gather(&self, fields: &mut Fields) -> Result<Gathered, Refused> {
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

/// What a report came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventRecorded {
    /// The event that it came to.
    event_id: Uuid,
    /// The order's conversion, or this report's own id.
    conversion_id: String,
    /// `attributed`, `unattributed`, `refunded`, `refund_noted`, `duplicate_ignored` or `recorded`.
    outcome: &'static str,
    /// Whose campaign it is.
    campaign_id: Option<String>,
    /// Who earns.
    partner_id: Option<String>,
    /// The click that led there.
    click_id: Option<String>,
    /// Why it is nobody's.
    reason: Option<String>,
    /// What was paid or went back.
    amount: Option<Paid>,
}

/// Record an event
///
/// A purchase or lead is attributed to the last click of the visitor, or to the click that is named, inside the campaign's
/// window. An order that was reported before is answered with 200 and ignored.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/events",
    tag = "events",
    request_body = RecordEvent,
    responses(
        (status = 201, body = EventRecorded),
        (status = 200, description = "The order was reported before", body = EventRecorded),
        Problems,
    ),
    security(("bearer" = []))
)]
pub(super) async fn record_event(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    write: Write<RecordEvent>,
) -> Result<Response, Problem> {
    let id = write.command_id(&caller);
    let request_hash = write.key.is_some().then_some(write.request_hash);
    let mut fields = Fields::new();
    let gathered = write.body.gather(&mut fields);
    fields.finish()?;
    let let_through = |_| Problem::internal(&"a refused body was let through");
    let gathered = gathered.map_err(let_through)?;
    let (campaign, order) = (gathered.campaign.as_ref(), gathered.order.as_ref());
    let conversion = Report::conversion_of(campaign, order, id).into_string();
    let ask = Ask {
        id,
        key: conversion.clone(),
        subject: conversion,
        body: Body::RecordEventV1(command(write.body, gathered)),
        request_hash,
    };
    let answered = host.ask(ask, &caller, &context).await?;
    let repeated = matches!(&answered.asked, Asked::Done(events)
        if matches!(events.first().map(|event| &event.body), Some(Body::ConversionDuplicateIgnoredV1(_))));
    Ok(if repeated {
        answered.ok(recorded)
    } else {
        answered.created(recorded)
    })
}

fn command(body: RecordEvent, gathered: Gathered) -> RecordEventV1 {
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

fn recorded(message: &Message) -> EventRecorded {
    let mut answer = EventRecorded {
        event_id: message.header.id,
        conversion_id: message.header.subject.clone(),
        outcome: event_outcome(&message.body),
        campaign_id: None,
        partner_id: None,
        click_id: None,
        reason: None,
        amount: None,
    };
    let paid = |money: &WireMoney| Money::try_from(money).ok().map(Paid::from);
    match &message.body {
        Body::ConversionAttributedV1(body) => {
            answer.campaign_id = Some(body.campaign_id.clone());
            answer.partner_id = Some(body.partner_id.clone());
            answer.click_id = Some(body.click_id.clone());
            answer.amount = body.amount.as_ref().and_then(paid);
        }
        Body::ConversionUnattributedV1(body) => {
            answer.campaign_id.clone_from(&body.campaign_id);
            answer.click_id.clone_from(&body.click_id);
            answer.reason = Some(body.reason.clone());
        }
        Body::ConversionRefundedV1(body) => answer.amount = paid(&body.amount),
        Body::ConversionDuplicateIgnoredV1(body) => {
            if let Some(first) = &body.first_conversion_id {
                answer.conversion_id.clone_from(first);
            }
        }
        _ => {}
    }
    answer
}
