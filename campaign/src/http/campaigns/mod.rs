//! `/api/v1/campaign/campaigns`: made in draft, activated when there are terms, paused and closed.

mod bodies;

use api::{
    ActivateCampaign, ChangeCampaign, CloseCampaign, CreateCampaign, PauseCampaign, ResumeCampaign,
};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{CampaignRefusals, Created, Done, Host, OrUnread};
use types::CampaignId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::bodies::{ActivationView, CampaignFilter, CampaignView, ChangedView, StatusView};
use crate::store::campaigns::{self, Narrowed};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(create_campaign, list_campaigns))
        .routes(routes!(get_campaign, change_campaign))
        .routes(routes!(activate_campaign))
        .routes(routes!(pause_campaign))
        .routes(routes!(resume_campaign))
        .routes(routes!(close_campaign))
}

/// Makes a campaign, in draft. For brands, and for operators on their behalf.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns",
    tag = "campaigns",
    params(Repeatable),
    request_body(
        content = CreateCampaign,
        example = json!({"campaign_id": "camp123", "name": "Summer sale", "currency": "USD", "allowed_hosts": ["shop.example.com"]})
    ),
    responses(Created<CampaignView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn create_campaign(
    State(host): State<Host>,
    caller: Caller,
    write: Write<CreateCampaign>,
) -> Result<Created<CampaignView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |id, body: CreateCampaign| body.command(id, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(CampaignView::created))
}

/// Makes another of a campaign: what the body says. Links that there are lead where they led, and who is in stays in. For its
/// brand, and for operators.
#[utoipa::path(
    patch,
    path = "/api/v1/campaign/campaigns/{campaign_id}",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body(content = ChangeCampaign, example = json!({"ends_at": "2099-12-31T23:00:00Z", "clear": ["budget"]})),
    responses(Done<ChangedView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn change_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<ChangeCampaign>,
) -> Result<Done<ChangedView>, Problem> {
    let command = |_, body: ChangeCampaign| body.command(campaign);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| ChangedView {
        campaign_id: first.header.subject.clone(),
        changed_at: Timestamp(first.header.time),
    }))
}

/// Lets partners join a campaign.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/activate",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<ActivationView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn activate_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<ActivateCampaign>,
) -> Result<Done<ActivationView>, Problem> {
    let command = |_, body: ActivateCampaign| body.command(campaign);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| ActivationView {
        campaign_id: first.header.subject.clone(),
        status: types::CampaignStatus::Active.name(),
        activated_at: Timestamp(first.header.time),
    }))
}

/// Stops a campaign for a while: its links lead to the fallback page within a second, no click counts, and nobody joins. What was
/// earned stays, and purchases by earlier clicks still count. For its brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/pause",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<StatusView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn pause_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<PauseCampaign>,
) -> Result<Done<StatusView>, Problem> {
    let command = |_, body: PauseCampaign| body.command(campaign);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(StatusView::of))
}

/// Lets a paused campaign go on. For its brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/resume",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<StatusView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn resume_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<ResumeCampaign>,
) -> Result<Done<StatusView>, Problem> {
    let command = |_, body: ResumeCampaign| body.command(campaign);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(StatusView::of))
}

/// Ends a campaign for good: its links lead to the fallback page, no click counts, and nobody joins. What was earned stays, and
/// purchases by earlier clicks still count. For its brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/close",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<StatusView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn close_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<CloseCampaign>,
) -> Result<Done<StatusView>, Problem> {
    let command = |_, body: CloseCampaign| body.command(campaign);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(StatusView::of))
}

/// One campaign: a brand's own, or one that is no draft.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/campaigns/{campaign_id}",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    responses((status = 200, body = CampaignView), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn get_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let row = campaigns::find(host.pool(), caller.scope()?, &campaign).await;
    let row = row.or_unread()?.ok_or_else(Problem::not_found)?;
    Ok(Json(row.into()))
}

/// Campaigns, newest first: a brand's own, for partners all that are no drafts.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/campaigns",
    tag = "campaigns",
    params(PageQuery, CampaignFilter),
    responses((status = 200, body = Page<CampaignView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_campaigns(
    State(host): State<Host>,
    caller: Caller,
    list: List<CampaignFilter>,
) -> Result<Page<CampaignView>, Problem> {
    let filter = &list.filter;
    let narrowed = Narrowed {
        status: filter.status,
        brand: filter.brand_id.as_ref(),
        join: filter.join,
    };
    let rows = campaigns::list(host.pool(), caller.scope()?, list.page, &narrowed)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.position,
        CampaignView::from,
    ))
}
