//! `/api/v1/tracking/events`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::json::{AmountText, Check, Metadata, MetadataError, Text};
use chassis::openapi::Problems;
use chassis::problem::{Fields, Problem};
use chassis::time::{Timestamp, now, refuse_future};
use chassis::write::Write;
use money::{Amount, CampaignId, ClickId, ConversionId, Currency, OrderId};
use schemas::{RecordEventV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;

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
    product: Option<Text<128>>,
}

impl Check for RecordEvent {
    fn check(&self, fields: &mut Fields) {
        fields.require(
            is_event_type(&self.event_type),
            "/event_type",
            "must be 1 to 64 characters from A-Z a-z 0-9 _ - .",
        );
        if let Some(Timestamp(claimed)) = self.occurred_at {
            refuse_future(fields, "/occurred_at", claimed, now());
        }
        self.facts(fields);
        fields.require(
            self.event_type != "purchase" || self.says_an_amount(),
            "/amount",
            "a purchase needs an amount",
        );
    }
}

/// As tracking takes them.
fn is_event_type(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

impl RecordEvent {
    /// Finds the facts, noting what is wrong with them where it stands.
    fn facts(&self, fields: &mut Fields) -> Facts {
        let amount = self.amount_text(fields).and_then(|(text, pointer)| {
            let amount = fields.take(pointer, text.amount());
            amount.map(|amount| (amount, pointer))
        });
        let currency = self.text(
            fields,
            ["/currency", "/metadata/currency"],
            self.currency.as_deref(),
        );
        let currency = parsed(fields, currency, Currency::parse);
        if let (Some((amount, pointer)), Some(currency)) = (amount, currency) {
            fields.take(pointer, amount.into_money(currency));
        }
        let order = self.text(
            fields,
            ["/order_id", "/metadata/order_id"],
            self.order_id.as_deref(),
        );
        let campaign = self.text(
            fields,
            ["/campaign_id", "/metadata/campaign_id"],
            self.campaign_id.as_deref(),
        );
        let click = self.text(
            fields,
            ["/click_id", "/metadata/click_id"],
            self.click_id.as_deref(),
        );
        let product = self.text(
            fields,
            ["/product_id", "/metadata/product_id"],
            self.product_id.as_deref(),
        );
        Facts {
            amount: amount.map(|(amount, _)| amount),
            currency,
            order: parsed(fields, order, str::parse),
            campaign: parsed(fields, campaign, str::parse),
            click: parsed(fields, click, str::parse),
            product: parsed(fields, product, |text| Text::parse(text)),
        }
    }

    /// Whether there is one, be it right or wrong.
    fn says_an_amount(&self) -> bool {
        let held = self.metadata.as_ref().map(|m| m.amount("amount"));
        self.amount.is_some() || !matches!(held, None | Some(Ok(None)))
    }

    fn amount_text(&self, fields: &mut Fields) -> Option<(AmountText, &'static str)> {
        let (beside, inside) = ("/amount", "/metadata/amount");
        let held = self.metadata.as_ref().map(|m| m.amount("amount"));
        let held = fields.take(inside, held.transpose().map(Option::flatten))?;
        let same = |a: &AmountText, b: &AmountText| match (a.amount(), b.amount()) {
            (Ok(a), Ok(b)) => a == b,
            _ => a == b,
        };
        match (&self.amount, held) {
            (Some(own), Some(held)) if !same(own, &held) => {
                fields.refuse(beside, "differs from the one in metadata");
                None
            }
            (Some(own), _) => Some((own.clone(), beside)),
            (None, held) => held.map(|held| (held, inside)),
        }
    }

    /// A text that stands beside or inside metadata, with the place where it was found.
    fn text(
        &self,
        fields: &mut Fields,
        [beside, inside]: [&'static str; 2],
        own: Option<&str>,
    ) -> Option<(String, &'static str)> {
        let name = beside.trim_start_matches('/');
        let held: Option<Result<Option<String>, MetadataError>> =
            self.metadata.as_ref().map(|metadata| metadata.string(name));
        let held = fields.take(inside, held.transpose().map(Option::flatten))?;
        match (own, held) {
            (Some(own), Some(held)) if own != held => {
                fields.refuse(beside, "differs from the one in metadata");
                None
            }
            (Some(own), _) => Some((own.to_owned(), beside)),
            (None, held) => held.map(|held| (held, inside)),
        }
    }
}

fn parsed<T, E: std::fmt::Display>(
    fields: &mut Fields,
    found: Option<(String, &'static str)>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let (text, pointer) = found?;
    fields.take(pointer, parse(&text))
}

/// Reports what a visitor did.
#[utoipa::path(
    post, path = "/api/v1/tracking/events", tag = "tracking", request_body = RecordEvent,
    responses((status = 202, body = Accepted), (status = 200, body = CommandView, description = "Its outcome, under Prefer: wait"), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn record_event(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<RecordEvent>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part(write, caller, context);
    asking.require_role(&[Role::Partner, Role::Brand])?;
    let facts = body.facts(&mut Fields::new());
    let conversion = match &facts.order {
        Some(order) => ConversionId::of_order(facts.campaign.as_ref(), order),
        None => ConversionId::of_command(asking.id),
    };
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
