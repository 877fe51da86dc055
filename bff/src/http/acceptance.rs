//! `/api/v1/campaigns/{id}/accept`.

use api::AcceptCampaign;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
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
    OpenApiRouter::new().routes(routes!(accept_campaign))
}

/// Accepts a campaign's terms.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/accept", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = AcceptCampaign,
        example = json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn accept_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<AcceptCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    let partner = command_request.partner(body.partner_id())?;
    bff.submit(command_request, body.command(campaign, partner))
        .await
}
