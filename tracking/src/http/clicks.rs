//! `/api/v1/tracking/clicks`

use api::BindClick;
use axum::extract::State;
use chassis::auth::{Caller, Role};
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Done, Host, TrackingRefusals};
use schemas::{Body, Message};
use serde::Serialize;
use types::ClickId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(bind_click))
}

/// A click of a visitor that is known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoundClick {
    /// Which.
    click_id: String,
    /// The campaign of its link.
    campaign_id: String,
    /// Whose link it is.
    partner_id: String,
    /// The link that was clicked.
    link_code: String,
    /// When.
    clicked_at: Timestamp,
}

/// Say whose a click was
///
/// As the brand knows its visitor: for the campaign's brand, and for operators. What that visitor buys inside the window without
/// naming a click is attributed to the last click that is theirs. A click is one visitor's; said again it is answered the same.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/clicks/{click_id}/visitor",
    tag = "events",
    params(("click_id" = String, Path), Repeatable),
    request_body(content = BindClick, example = json!({"user_id": "user123"})),
    responses(Done<BoundClick>, Problems<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []), ("api_key" = ["conversions.write"]))
)]
pub(super) async fn bind_click(
    State(host): State<Host>,
    caller: Caller,
    Path(click): Path<ClickId>,
    write: Write<BindClick>,
) -> Result<Done<BoundClick>, Problem> {
    if !caller.is_operator() && !caller.has(Role::Brand) {
        return Err(Problem::forbidden("this is for the role brand"));
    }
    let command = |_, body: BindClick| body.command(click);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(bound))
}

fn bound(message: &Message) -> Option<BoundClick> {
    let Body::ClickBoundV1(body) = &message.body else {
        return None;
    };
    Some(BoundClick {
        click_id: message.header.subject.clone(),
        campaign_id: body.campaign_id.to_string(),
        partner_id: body.partner_id.to_string(),
        link_code: body.link_code.to_string(),
        clicked_at: body.clicked_at.into(),
    })
}
