//! Partners in campaigns: `/api/v1/campaigns/{id}/accept`, `…/leave`, `…/partners/{partner_id}/invite` and others, and
//! `/api/v1/enrollments`.

use api::lists::RefusalReason;
use api::{
    AcceptCampaign, ApprovePartner, InvitePartner, LeaveCampaign, RejectPartner, RemovePartner,
};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{CampaignRefusals, EnrollmentStatus, OrUnread};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::enrollments::{self, EnrollmentRow};
use crate::store::of_campaigns::To;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(accept_campaign))
        .routes(routes!(leave_campaign))
        .routes(routes!(remove_partner))
        .routes(routes!(invite_partner))
        .routes(routes!(approve_partner))
        .routes(routes!(reject_partner))
        .routes(routes!(list_enrollments))
}

/// Accepts a campaign's terms: who accepts them is in, or has applied, as the campaign says.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/accept", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = AcceptCampaign,
        example = json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn accept_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<AcceptCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let partner = command_request.partner(body.partner_id())?;
    let key = bff
        .host
        .personal_key(&command_request.caller, &partner, body.is_personal())
        .await?;
    bff.submit(command_request, body.command(campaign, partner, &key))
        .await
}

/// Asks to be no longer in a campaign: the partner's links lead to the fallback page, and no click counts. What was earned stays,
/// purchases by earlier clicks still count, and the partner may come again.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/leave", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = LeaveCampaign, example = json!({})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn leave_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<LeaveCampaign>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let partner = command_request.partner(body.partner_id())?;
    bff.submit(command_request, body.command(campaign, partner))
        .await
}

/// Asks that a partner is no longer in a campaign, and does not come again.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/partners/{partner_id}/remove", tag = "campaigns",
    params(("id" = String, Path), ("partner_id" = String, Path), Repeatable, Waits),
    request_body(content = RemovePartner, example = json!({"reason": "terms_violated"})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["partners.write"]))
)]
pub(crate) async fn remove_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<RemovePartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign, partner))
        .await
}

/// Asks that a partner may come into a campaign: it is in once it accepts the terms, also where it was removed or rejected before.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/partners/{partner_id}/invite", tag = "campaigns",
    params(("id" = String, Path), ("partner_id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["partners.write"]))
)]
pub(crate) async fn invite_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<InvitePartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign, partner))
        .await
}

/// Asks that a partner's application is taken: it is in, on the version of the terms that it accepted.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/partners/{partner_id}/approve", tag = "campaigns",
    params(("id" = String, Path), ("partner_id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["partners.write"]))
)]
pub(crate) async fn approve_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<ApprovePartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign, partner))
        .await
}

/// Asks that a partner's application is not taken. It reads why, and may apply again after `needs_more_detail`.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/partners/{partner_id}/reject", tag = "campaigns",
    params(("id" = String, Path), ("partner_id" = String, Path), Repeatable, Waits),
    request_body(content = RejectPartner, example = json!({"reason": "needs_more_detail"})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["partners.write"]))
)]
pub(crate) async fn reject_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<RejectPartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign, partner))
        .await
}

/// Where a partner stands with a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnrollmentView {
    #[schema(example = "enr_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    campaign_id: String,
    partner_id: String,
    #[schema(value_type = EnrollmentStatus)]
    status: String,
    /// Why the brand rejected or removed it.
    #[schema(value_type = Option<RefusalReason>)]
    reason: Option<String>,
    /// The version of the terms that was accepted last; `null` of who is only invited.
    terms_version: Option<i32>,
    /// Since when it stands so.
    since: Timestamp,
}

impl From<EnrollmentRow> for EnrollmentView {
    fn from(row: EnrollmentRow) -> Self {
        Self {
            id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            status: row.status,
            reason: row.reason,
            terms_version: row.terms_version,
            since: moment(row.since),
        }
    }
}

/// Which enrollments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EnrollmentFilter {
    /// In this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// In campaigns of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// That stand so.
    #[param(inline, value_type = Option<EnrollmentStatus>)]
    status: Option<types::EnrollmentStatus>,
}

/// Enrollments, newest first: a partner's own, a brand's those in its campaigns, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/enrollments", tag = "campaigns", params(PageQuery, EnrollmentFilter),
    responses((status = 200, body = Page<EnrollmentView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_enrollments(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<EnrollmentFilter>,
) -> Result<Page<EnrollmentView>, Problem> {
    let filter = &list.filter;
    let of = To {
        brand: filter.brand_id.as_ref(),
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
    };
    let rows = enrollments::list(
        bff.host.pool(),
        caller.scope()?,
        of,
        filter.status,
        list.page,
    )
    .await
    .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, EnrollmentView::from);
    Ok(page)
}
