//! `/api/v1/tracking/events`

mod body;

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Problems, Repeatable};
use chassis::problem::{Fields, Problem};
use chassis::write::Write;
use host::{Ask, Asked, Host, TrackingRefusals, Waiting};
use money::{ConversionId, Money};
use schemas::{Body, Message, WireMoney};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conversions::{Paid, UnattributedReason};
use crate::messages::{event_outcome, event_outcomes};
pub(crate) use body::RecordEvent;

chassis::closed_list!(
    /// What a report may come to.
    pub(super) EventOutcome: event_outcomes()
);

/// What a report came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventRecorded {
    /// The event that it came to.
    event_id: Uuid,
    /// The order's conversion, or this report's own id.
    conversion_id: String,
    #[schema(value_type = EventOutcome)]
    outcome: &'static str,
    /// Whose campaign it is.
    campaign_id: Option<String>,
    /// Who earns.
    partner_id: Option<String>,
    /// The click that led there.
    click_id: Option<String>,
    /// Why it is nobody's.
    #[schema(value_type = Option<UnattributedReason>)]
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
    params(Repeatable),
    request_body(
        content = RecordEvent,
        example = json!({"user_id": "user123", "event_type": "purchase", "order_id": "order-1001", "amount": 100.0, "currency": "USD", "metadata": {"product_id": "prod456"}})
    ),
    responses(
        (status = 201, body = EventRecorded),
        (status = 202, body = Waiting),
        (status = 200, description = "The order was reported before", body = EventRecorded),
        Problems<TrackingRefusals>,
    ),
    security(("bearer" = []))
)]
pub(super) async fn record_event(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    write: Write<RecordEvent>,
) -> Result<Response, Problem> {
    let id = write.command_id(&caller, "tracking.record_event.command.v1");
    let request_hash = write.key.is_some().then_some(write.request_hash);
    let mut fields = Fields::new();
    let gathered = write.body.gather(&mut fields);
    fields.finish()?;
    let let_through = |_| Problem::internal(&"a refused body was let through");
    let gathered = gathered.map_err(let_through)?;
    let (campaign, order) = (gathered.campaign.as_ref(), gathered.order.as_ref());
    let conversion = ConversionId::of_report(caller.shop(), campaign, order, id).into_string();
    let ask = Ask {
        id,
        key: conversion.clone(),
        subject: conversion,
        body: Body::RecordEventV1(body::command(write.body, gathered)),
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
