//! `/api/v1/tracking/erasures`

use api::EraseVisitor;
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Done, Host, TrackingRefusals};
use schemas::{Body, Message};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(erase_visitor))
}

/// What was erased, without whom.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErasedVisitor {
    #[schema(example = "era_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    erasure_id: String,
    /// Whose visitor it was.
    brand_id: String,
    /// Since when nothing is kept.
    erased_at: Timestamp,
}

/// Erase a visitor
///
/// What was noted beside reports of the brand's visitor goes, and its clicks are nobody's. What is decided stays decided. For operators. What is
/// noted beside reports to the bff, the bff forgets: where there is one, ask it, and it asks here.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/erasures",
    tag = "events",
    params(Repeatable),
    request_body(content = EraseVisitor, example = json!({"brand_id": "brand1", "user_id": "user123"})),
    responses(Done<ErasedVisitor>, Problems<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn erase_visitor(
    State(host): State<Host>,
    caller: Caller,
    write: Write<EraseVisitor>,
) -> Result<Done<ErasedVisitor>, Problem> {
    caller.require_operator()?;
    let command = |id, body: EraseVisitor| body.command(id);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(erased))
}

fn erased(message: &Message) -> Option<ErasedVisitor> {
    let Body::VisitorErasedV1(body) = &message.body else {
        return None;
    };
    Some(ErasedVisitor {
        erasure_id: message.header.subject.clone(),
        brand_id: body.brand_id.to_string(),
        erased_at: message.header.time.into(),
    })
}
