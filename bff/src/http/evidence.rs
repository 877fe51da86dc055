//! `/api/v1/evidence/upload`.

use api::SubmitEvidence;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::CampaignRefusals;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::submit::{Accepted, CommandRequest};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(submit_evidence))
}

/// Shows a piece of evidence for a campaign.
#[utoipa::path(
    post, path = "/api/v1/evidence/upload", tag = "evidence", params(Repeatable, Waits),
    request_body(content = SubmitEvidence,
        example = json!({"campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://example.com/photo.jpg", "metadata": {"description": "Product photo"}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn submit_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<SubmitEvidence>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    let partner = command_request.partner(body.partner_id())?;
    bff.submit(command_request, body.command(partner)).await
}
