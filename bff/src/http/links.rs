//! `/api/v1/links`.

use api::CreateLink;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::TrackingRefusals;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::submit::{Accepted, CommandRequest};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(create_link))
}

/// Makes a link.
#[utoipa::path(
    post, path = "/api/v1/links", tag = "tracking", params(Repeatable, Waits),
    request_body(content = CreateLink,
        example = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-sale"})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, TrackingRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_link(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateLink>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    let partner = command_request.partner(body.partner_id())?;
    let command = body.command(command_request.id, partner);
    bff.submit(command_request, command).await
}
