//! `/api/v1/campaigns`, `…/{id}`, and `…/{id}/activate`, `…/pause`, `…/resume`, `…/close`.

use api::lists::JoinMode;
use api::{
    ActivateCampaign, BudgetView, ChangeCampaign, CloseCampaign, CreateCampaign, PauseCampaign,
    ResumeCampaign,
};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{CampaignRefusals, CampaignStatus, OrUnread, PauseReason};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::campaigns::{self, CampaignRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(create_campaign, list_campaigns))
        .routes(routes!(get_campaign, change_campaign))
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
    responses(Answers<(Forbidden, NotFound, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn create_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<CreateCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(command_request.id, brand);
    bff.submit(command_request, command).await
}

/// Asks that a campaign is another: what the body says. Links that there are lead where they led, and who is in stays in.
#[utoipa::path(
    patch, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = ChangeCampaign, example = json!({"ends_at": "2099-12-31T23:00:00Z", "clear": ["budget"]})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn change_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<ChangeCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that partners may join a campaign from now on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/activate", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn activate_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<ActivateCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that a campaign stops for a while: its links lead to the fallback page, no click counts, and nobody joins. What was
/// earned stays, and purchases by earlier clicks still count.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/pause", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn pause_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<PauseCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that a paused campaign goes on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/resume", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn resume_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<ResumeCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// Asks that a campaign ends for good: as paused, without a way back.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/close", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn close_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<CloseCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignView {
    #[schema(example = "camp123")]
    id: String,
    #[schema(example = "brand1")]
    brand_id: String,
    /// What people call it.
    name: String,
    /// What it is about.
    description: Option<String>,
    /// ISO 4217 code of what its plans pay in.
    #[schema(example = "USD")]
    currency: String,
    /// Where its links may lead.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
    /// Where visitors of its links go while it is paused or closed.
    #[schema(example = "https://shop.example.com/")]
    fallback_url: String,
    /// The page that partners send visitors to where they choose no other.
    landing_url: Option<String>,
    /// From when its links lead to their targets; `null`: as soon as it is active.
    starts_at: Option<Timestamp>,
    /// When it pauses by itself; `null`: never.
    ends_at: Option<Timestamp>,
    /// What it is meant to cost: a plan that is shown, and nothing is refused or paused when it is spent; `null`: none.
    budget: Option<BudgetView>,
    #[schema(value_type = JoinMode)]
    join: String,
    /// Whether the `user_id` of a redirect binds its click to that visitor.
    trusts_redirects: bool,
    #[schema(value_type = CampaignStatus)]
    status: String,
    /// Why it is paused; `null` while it is not.
    #[schema(value_type = Option<PauseReason>)]
    pause_reason: Option<String>,
    /// The version of the terms in force; `null` before the first.
    terms_version: Option<i32>,
    created_at: Timestamp,
    /// From when partners could join.
    activated_at: Option<Timestamp>,
    /// When it ended for good.
    closed_at: Option<Timestamp>,
}

impl From<CampaignRow> for CampaignView {
    fn from(row: CampaignRow) -> Self {
        let first = || types::fallback_url(&row.allowed_hosts);
        Self {
            fallback_url: row.fallback_url.unwrap_or_else(first),
            id: row.id,
            brand_id: row.brand_id,
            name: row.name,
            description: row.description,
            landing_url: row.landing_url,
            starts_at: row.starts_at.map(moment),
            ends_at: row.ends_at.map(moment),
            budget: BudgetView::of_columns(row.budget_minor, row.budget_interval, &row.currency),
            currency: row.currency,
            allowed_hosts: row.allowed_hosts.0,
            join: row.join_mode,
            trusts_redirects: row.trusts_redirects,
            status: row.status,
            pause_reason: row.pause_reason,
            terms_version: row.terms_in_force,
            created_at: moment(row.created_at),
            activated_at: row.activated_at.map(moment),
            closed_at: row.closed_at.map(moment),
        }
    }
}

/// Which campaigns.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CampaignFilter {
    /// That stand so.
    #[param(inline, value_type = Option<CampaignStatus>)]
    status: Option<types::CampaignStatus>,
    /// That partners come into so.
    #[param(inline, value_type = Option<JoinMode>)]
    join: Option<types::JoinMode>,
    /// Of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
}

/// Campaigns, newest first: a brand's own, for partners all that are no drafts, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/campaigns", tag = "campaigns", params(PageQuery, CampaignFilter),
    responses((status = 200, body = Page<CampaignView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_campaigns(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<CampaignFilter>,
) -> Result<Page<CampaignView>, Problem> {
    let filter = &list.filter;
    let (brand, status, join) = (filter.brand_id.as_ref(), filter.status, filter.join);
    let rows = campaigns::list(
        bff.host.pool(),
        caller.scope()?,
        brand,
        status,
        join,
        list.page,
    )
    .await
    .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, CampaignView::from);
    Ok(page)
}

/// One campaign: a brand's own, or one that is no draft.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}", tag = "campaigns", params(("id" = String, Path)),
    responses((status = 200, body = CampaignView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    bff.campaign(&caller, &id).await.map(|row| Json(row.into()))
}

impl Bff {
    /// The campaign, when the caller may see it.
    pub(super) async fn campaign(
        &self,
        caller: &Caller,
        id: &CampaignId,
    ) -> Result<CampaignRow, Problem> {
        campaigns::find(self.host.pool(), caller.scope()?, id)
            .await
            .or_unread()?
            .ok_or_else(Problem::not_found)
    }
}
