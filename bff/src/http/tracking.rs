//! `/api/v1/tracking/events`, and whose clicks were.

use api::{BindClick, RecordEvent};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::openapi::{Forbidden, Repeatable, Waits};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::TrackingRefusals;
use types::ClickId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::submit::{Answers, CommandRequest};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(record_event))
        .routes(routes!(bind_click))
}

/// Reports what a visitor did.
#[utoipa::path(
    post, path = "/api/v1/tracking/events", tag = "tracking", params(Repeatable, Waits),
    request_body(content = RecordEvent,
        example = json!({"user_id": "user123", "event_type": "purchase", "order_id": "order-1001", "amount": 100.0, "currency": "USD", "metadata": {"product_id": "prod456"}})),
    responses(Answers<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []), ("api_key" = ["conversions.write"]))
)]
pub(crate) async fn record_event(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<RecordEvent>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Partner, Role::Brand])?;
    let command = body.command(command_request.id, command_request.caller.shop());
    bff.submit(command_request, command).await
}

/// States whose click it was, as the brand knows its visitor: for the campaign's brand, and for operators. What that visitor buys inside
/// the window without naming a click is attributed to the last click that is theirs. A click is one visitor's.
#[utoipa::path(
    post, path = "/api/v1/tracking/clicks/{click_id}/visitor", tag = "tracking",
    params(("click_id" = String, Path), Repeatable, Waits),
    request_body(content = BindClick, example = json!({"user_id": "user123"})),
    responses(Answers<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []), ("api_key" = ["conversions.write"]))
)]
pub(crate) async fn bind_click(
    State(bff): State<Bff>,
    caller: Caller,
    Path(click): Path<ClickId>,
    write: Write<BindClick>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(click)).await
}
