//! `/api/v1/tracking/events`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::json::{AmountText, Check, Metadata, MetadataError, Text};
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::problem::{Fields, Problem};
use chassis::time::{Timestamp, now, refuse_future};
use chassis::write::Write;
use host::TrackingRefusals;
use money::{Amount, CampaignId, ClickId, ConversionId, Currency, OrderId};
use schemas::{RecordEventV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;
use super::found::Found;

/// What a visitor did. `amount`, `currency`, `order_id`, `campaign_id`, `click_id` and `product_id` may stand in
/// `metadata` instead; in both places they must say the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordEvent {
    /// The visitor, as the brand knows them.
    #[schema(example = "user123")]
    user_id: Text<128>,
    /// `purchase`, `lead`, `click`, `refund`, or any other, which is stored too.
    /// 1 to 64 characters from `A-Z a-z 0-9 _ - .`.
    #[schema(example = "purchase")]
    event_type: String,
    /// When, as claimed; absent: now.
    occurred_at: Option<Timestamp>,
    /// Not negative, with no more decimals than the currency has.
    amount: Option<AmountText>,
    /// ISO 4217; absent: the campaign's.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// The brand's order: one order is one conversion.
    order_id: Option<String>,
    /// The campaign, where the reporter knows it.
    campaign_id: Option<String>,
    /// The click that led there, where the reporter knows it.
    click_id: Option<String>,
    /// What was bought.
    product_id: Option<String>,
    /// The client's own notes.
    metadata: Option<Metadata>,
}

/// The fields that may stand beside or inside metadata, found.
#[derive(Debug, Default)]
struct Facts {
    amount: Option<Amount>,
    currency: Option<Currency>,
    order: Option<OrderId>,
    campaign: Option<CampaignId>,
    click: Option<ClickId>,
    product: Option<Text<64>>,
}

impl Check for RecordEvent {
    /// As strict as tracking's own edge.
    fn check(&self, fields: &mut Fields) {
        if !is_event_type(&self.event_type) {
            let detail = "must be 1 to 64 characters from A-Z a-z 0-9 _ - .";
            fields.refuse("/event_type", detail);
        }
        if let Some(Timestamp(claimed)) = self.occurred_at {
            refuse_future(fields, "/occurred_at", claimed, now());
        }
        let mut found = Fields::new();
        let facts = self.facts(&mut found);
        // What is missing is told only when nothing is wrong: it may be what was refused.
        match found.finish() {
            Ok(()) => facts.require(&self.event_type, fields),
            Err(problem) => {
                for error in problem.errors() {
                    let pointer = error.pointer.clone().unwrap_or_default();
                    fields.refuse(pointer, error.detail.clone());
                }
            }
        }
    }
}

fn is_event_type(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

impl Facts {
    /// What tracking would refuse without looking anything up.
    fn require(&self, event_type: &str, fields: &mut Fields) {
        let (purchase, refund) = (event_type == "purchase", event_type == "refund");
        fields.require(!purchase || self.amount.is_some(), "/amount", "is missing");
        fields.require(!refund || self.order.is_some(), "/order_id", "is missing");
        let nothing = refund && self.amount.is_some_and(Amount::is_zero);
        fields.require(!nothing, "/amount", "must be more than zero");
        if let (Some(amount), Some(currency)) = (self.amount, self.currency) {
            fields.take("/amount", amount.into_money(currency));
        }
    }
}

impl RecordEvent {
    /// Finds the facts, noting what is wrong with them where it stands.
    fn facts(&self, fields: &mut Fields) -> Facts {
        let amount = |text: &AmountText| text.amount();
        Facts {
            amount: Found {
                places: ["/amount", "/metadata/amount"],
                beside: self.amount.as_ref(),
                inside: self.inside(|metadata| metadata.amount("amount")),
            }
            .one(fields, amount),
            currency: self
                .text("/currency", "/metadata/currency", self.currency.as_ref())
                .one(fields, |text| text.parse()),
            order: self
                .text("/order_id", "/metadata/order_id", self.order_id.as_ref())
                .one(fields, |text| text.parse()),
            campaign: self
                .text(
                    "/campaign_id",
                    "/metadata/campaign_id",
                    self.campaign_id.as_ref(),
                )
                .one(fields, |text| text.parse()),
            click: self
                .text("/click_id", "/metadata/click_id", self.click_id.as_ref())
                .one(fields, |text| text.parse()),
            product: self
                .text(
                    "/product_id",
                    "/metadata/product_id",
                    self.product_id.as_ref(),
                )
                .one(fields, |text| Text::parse(text.as_str())),
        }
    }

    fn text<'a>(
        &self,
        beside: &'static str,
        inside: &'static str,
        own: Option<&'a String>,
    ) -> Found<'a, String> {
        let name = beside.trim_start_matches('/');
        Found {
            places: [beside, inside],
            beside: own,
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

/// Reports what a visitor did.
#[utoipa::path(
    post, path = "/api/v1/tracking/events", tag = "tracking", params(Repeatable, Waits),
    request_body(content = RecordEvent,
        example = json!({"user_id": "user123", "event_type": "purchase", "order_id": "order-1001", "amount": 100.0, "currency": "USD", "metadata": {"product_id": "prod456"}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, TrackingRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn record_event(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<RecordEvent>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part("tracking.record_event.command.v1", write, caller, context);
    asking.require_role(&[Role::Partner, Role::Brand])?;
    let facts = body.facts(&mut Fields::new());
    let (campaign, order) = (facts.campaign.as_ref(), facts.order.as_ref());
    let conversion = ConversionId::of_report(asking.caller.shop(), campaign, order, asking.id);
    let command = Command {
        topic: Topic::TrackingCommands,
        key: conversion.to_string(),
        subject: conversion.into_string(),
        body: RecordEventV1 {
            event_type: body.event_type,
            user_id: body.user_id.into_string(),
            occurred_at: body.occurred_at.map(|Timestamp(at)| at),
            amount: facts.amount.map(|amount| amount.to_string()),
            currency: facts.currency.map(|currency| currency.code().to_owned()),
            order_id: facts.order.map(OrderId::into_string),
            campaign_id: facts.campaign.map(CampaignId::into_string),
            click_id: facts.click.map(ClickId::into_string),
            product_id: facts.product.map(Text::into_string),
            metadata: body.metadata.map(|metadata| metadata.as_str().to_owned()),
        }
        .into(),
    };
    bff.ask(asking, command).await
}
