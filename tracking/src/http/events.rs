//! `/api/v1/tracking/events`

use api::RecordEvent;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::auth::{Caller, Role};
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::{CommandResult, Created, Done, Host, TrackingRefusals, UnattributedReason};
use schemas::{Body, ClaimedSale, Message};
use serde::Serialize;
use types::{CampaignId, ClickId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::conversions::Paid;
use crate::messages::{event_outcome, event_outcomes};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(record_event))
}

chassis::closed_lists! {
    /// What a report may come to.
    pub(super) EventOutcome: event_outcomes();
}

/// What a report came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventRecorded {
    /// The event that it came to.
    event_id: Uuid,
    /// The order's conversion, or this report's own id; of a claim the conversion that it would be.
    conversion_id: String,
    /// What the partner claims.
    claim_id: Option<String>,
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

impl EventRecorded {
    fn claim(&mut self, sale: &ClaimedSale, message: &Message) {
        self.claim_id = Some(message.header.subject.clone());
        self.conversion_id = sale.conversion_id.to_string();
        self.campaign_id = Some(sale.campaign_id.to_string());
        self.partner_id = Some(sale.partner_id.to_string());
        self.click_id = Some(sale.click_id.to_string());
        self.amount = sale.amount.map(Paid::from);
    }
}

/// Record an event
///
/// A purchase or lead is attributed to the last click of the visitor, or to the click that is named, inside the campaign's
/// window. An order that was reported before is answered with 200 and ignored. A refund names an order, or a conversion.
///
/// A partner's report is a claim: nobody is paid for it before the brand accepts it. Where the brand reports the same order, that counts instead.
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
        Created<EventRecorded>,
        (status = 200, description = "The order was reported before, or the claim is settled", body = EventRecorded),
        Problems<(Forbidden, TrackingRefusals)>,
    ),
    security(("bearer" = []), ("api_key" = ["conversions.write"]))
)]
pub(super) async fn record_event(
    State(host): State<Host>,
    caller: Caller,
    write: Write<RecordEvent>,
) -> Result<Response, Problem> {
    let may = [Role::Partner, Role::Brand, Role::Operator];
    if !may.into_iter().any(|role| caller.has(role)) {
        return Err(Problem::forbidden("this is for the role partner or brand"));
    }
    let command = |id, body: RecordEvent| body.command(id, caller.shop());
    let submitted = host.submit_write(write, &caller, command).await?;
    let repeated = matches!(&submitted.result, CommandResult::Done(events)
        if matches!(events.first().map(|event| &event.body),
            Some(Body::ConversionDuplicateIgnoredV1(_) | Body::ClaimSettledV1(_))));
    if repeated {
        let done: Done<EventRecorded> = submitted.answer(recorded);
        return Ok(done.into_response());
    }
    let created: Created<EventRecorded> = submitted.answer(recorded);
    Ok(created.into_response())
}

fn recorded(message: &Message) -> EventRecorded {
    let mut answer = EventRecorded {
        event_id: message.header.id,
        conversion_id: message.header.subject.clone(),
        claim_id: None,
        outcome: event_outcome(&message.body),
        campaign_id: None,
        partner_id: None,
        click_id: None,
        reason: None,
        amount: None,
    };
    match &message.body {
        Body::ConversionAttributedV1(body) => {
            answer.campaign_id = Some(body.campaign_id.to_string());
            answer.partner_id = Some(body.partner_id.to_string());
            answer.click_id = Some(body.click_id.to_string());
            answer.amount = body.amount.map(Paid::from);
        }
        Body::ConversionUnattributedV1(body) => {
            answer.campaign_id = body.campaign_id.as_ref().map(CampaignId::to_string);
            answer.click_id = body.click_id.as_ref().map(ClickId::to_string);
            answer.reason = Some(body.reason.clone());
        }
        Body::ConversionRefundedV1(body) => answer.amount = Some(Paid::from(body.amount)),
        Body::ConversionDuplicateIgnoredV1(body) => {
            if let Some(first) = &body.first_conversion_id {
                answer.conversion_id = first.to_string();
            }
        }
        Body::ConversionClaimedV1(body) => answer.claim(&body.sale, message),
        Body::ClaimSettledV1(body) => {
            answer.claim(&body.sale, message);
            answer.conversion_id = body.conversion_id.to_string();
        }
        _ => {}
    }
    answer
}
