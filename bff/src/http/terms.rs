//! `/api/v1/campaigns/{id}/terms`.

use api::PublishTerms;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::CampaignRefusals;
use types::CampaignId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::submit::{Accepted, CommandRequest};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(publish_terms))
}

/// Asks for a new version of a campaign's terms and plan.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/terms", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = PublishTerms,
        example = json!({"text": "Show the product, not a price.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": 14}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn publish_terms(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<PublishTerms>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}
