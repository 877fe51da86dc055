//! `/api/v1/campaigns` and `…/{id}/activate`, `…/pause`, `…/resume`, `…/close`.

use api::{ActivateCampaign, CloseCampaign, CreateCampaign, PauseCampaign, ResumeCampaign};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::{NoBody, Write};
use runtime::CampaignRefusals;
use types::CampaignId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::submit::{Accepted, CommandRequest};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(create_campaign))
        .routes(routes!(activate_campaign))
        .routes(routes!(pause_campaign))
        .routes(routes!(resume_campaign))
        .routes(routes!(close_campaign))
}

/// Asks for a new campaign.
#[utoipa::path(
    post, path = "/api/v1/campaigns", tag = "campaigns", params(Repeatable, Waits),
    request_body(content = CreateCampaign,
        example = json!({"campaign_id": "camp123", "name": "Summer sale", "currency": "USD", "allowed_hosts": ["shop.example.com"]})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    command_request.require_role(&[Role::Brand])?;
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(command_request.id, brand);
    bff.submit(command_request, command).await
}

/// Asks that partners may join a campaign from now on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/activate", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn activate_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<ActivateCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that a campaign stops for a while: its links lead to the fallback page, no click counts, and nobody joins. What was
/// earned stays, and purchases by earlier clicks still count.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/pause", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn pause_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<PauseCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that a paused campaign goes on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/resume", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn resume_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<ResumeCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that a campaign ends for good: as paused, without a way back.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/close", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn close_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<CloseCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}
