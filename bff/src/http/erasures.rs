//! `/api/v1/erasures`.

use api::EraseVisitor;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Repeatable, Waits};
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::TrackingRefusals;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::submit::{Answers, CommandRequest};
use crate::store::notes::Forget;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(erase_visitor))
}

/// Erases a visitor of a brand, by the id that the brand has: what was noted beside its reports goes, and its clicks are nobody's. Keyed
/// hashes stay in the log, which nobody reads back without the key. For operators.
#[utoipa::path(
    post, path = "/api/v1/erasures", tag = "tracking", params(Repeatable, Waits),
    request_body(content = EraseVisitor, example = json!({"brand_id": "brand1", "user_id": "user123"})),
    responses(Answers<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn erase_visitor(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<EraseVisitor>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.caller.require_operator()?;
    let visitor = body.visitor();
    let forget = Forget {
        brand: body.brand_id().clone(),
        visitor: [&[visitor.current], &*visitor.others].concat(),
    };
    let command = body.command(command_request.id);
    bff.submit(command_request.forgetting(forget), command)
        .await
}
