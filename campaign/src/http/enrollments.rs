//! Partners in campaigns: `/api/v1/campaign/campaigns/{campaign_id}/accept`, `…/leave`, `…/partners/{partner_id}/invite` and others,
//! `/api/v1/campaign/enrollments`.

use api::lists::RefusalReason;
use api::{
    AcceptCampaign, ApprovePartner, InvitePartner, LeaveCampaign, RejectPartner, RemovePartner,
};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{CampaignRefusals, Created, Done, EnrollmentStatus, Host, OrUnread};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{CampaignId, EnrollmentStatus as Status, Micros, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::enrollments::{self, Narrowed, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(accept_campaign))
        .routes(routes!(leave_campaign))
        .routes(routes!(remove_partner))
        .routes(routes!(invite_partner))
        .routes(routes!(approve_partner))
        .routes(routes!(reject_partner))
        .routes(routes!(list_enrollments))
}

/// A partner's place in a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptanceView {
    /// The partner's place in the campaign.
    #[schema(example = "enr_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    enrollment_id: String,
    /// Which campaign.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Who.
    #[schema(example = "partner123")]
    partner_id: String,
    /// `enrolled`, or `applied` where the brand has to decide.
    #[schema(value_type = EnrollmentStatus)]
    status: &'static str,
    /// The accepted version.
    #[schema(example = 1)]
    terms_version: i32,
    /// When.
    accepted_at: Timestamp,
}

impl AcceptanceView {
    fn of(first: &Message) -> Option<Self> {
        let (partner, version, status) = match &first.body {
            Body::EnrollmentAcceptedV1(it) => (&it.partner_id, it.terms_version, Status::Enrolled),
            Body::EnrollmentAppliedV1(it) => (&it.partner_id, it.terms_version, Status::Applied),
            _ => return None,
        };
        Some(Self {
            enrollment_id: first.header.subject.clone(),
            campaign_id: first.header.key.clone(),
            partner_id: partner.to_string(),
            status: status.name(),
            terms_version: version.get(),
            accepted_at: Timestamp(first.header.time),
        })
    }
}

/// Accepts a campaign's terms. Who accepts them is in, or has applied, as the campaign says (`join`). Accepting them twice is
/// answered `already_accepted`; newer terms can be accepted again.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/accept",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body(
        content = AcceptCampaign,
        example = json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})
    ),
    responses(Created<AcceptanceView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn accept_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<AcceptCampaign>,
) -> Result<Created<AcceptanceView>, Problem> {
    let partner = caller.partner_or_own(write.body.partner_id())?;
    let key = host
        .personal_key(&caller, &partner, write.body.is_personal())
        .await?;
    let command = |_, body: AcceptCampaign| body.command(campaign, partner, &key);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(AcceptanceView::of))
}

/// Where a partner stands with a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrollmentView {
    /// The partner's place in the campaign.
    #[schema(example = "enr_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    enrollment_id: String,
    /// Which campaign.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Who.
    #[schema(example = "partner123")]
    partner_id: String,
    #[schema(value_type = EnrollmentStatus)]
    status: String,
    /// Why the brand rejected or removed it.
    #[schema(value_type = Option<RefusalReason>)]
    reason: Option<String>,
    /// Since when.
    since: Timestamp,
}

impl EnrollmentView {
    fn of(first: &Message) -> Option<Self> {
        let (partner, status, reason) = match &first.body {
            Body::EnrollmentEndedV1(it) => (&it.partner_id, it.status, it.reason),
            Body::EnrollmentInvitedV1(it) => (&it.partner_id, Status::Invited, None),
            Body::EnrollmentApprovedV1(it) => (&it.partner_id, Status::Enrolled, None),
            Body::EnrollmentRejectedV1(it) => (&it.partner_id, Status::Rejected, Some(it.reason)),
            _ => return None,
        };
        Some(Self {
            enrollment_id: first.header.subject.clone(),
            campaign_id: first.header.key.clone(),
            partner_id: partner.to_string(),
            status: status.name().to_owned(),
            reason: reason.map(|reason| reason.name().to_owned()),
            since: Timestamp(first.header.time),
        })
    }
}

impl From<Row> for EnrollmentView {
    fn from(row: Row) -> Self {
        let since = row.since.or(row.accepted_at).unwrap_or_default();
        Self {
            enrollment_id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            status: row.status,
            reason: row.reason,
            since: Timestamp(Micros(since)),
        }
    }
}

/// Which enrollments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EnrollmentFilter {
    /// In this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// That stand so.
    #[param(value_type = Option<EnrollmentStatus>, inline)]
    status: Option<Status>,
}

/// Enrollments, newest first: a partner's own, a brand's those in its campaigns.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/enrollments",
    tag = "campaigns",
    params(PageQuery, EnrollmentFilter),
    responses((status = 200, body = Page<EnrollmentView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_enrollments(
    State(host): State<Host>,
    caller: Caller,
    list: List<EnrollmentFilter>,
) -> Result<Page<EnrollmentView>, Problem> {
    let narrowed = Narrowed {
        campaign: list.filter.campaign_id.as_ref(),
        partner: list.filter.partner_id.as_ref(),
        status: list.filter.status,
    };
    let rows = enrollments::list(host.pool(), caller.scope()?, list.page, &narrowed)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.position,
        EnrollmentView::from,
    ))
}

/// Leaves a campaign: the partner's links lead to the fallback page within a second, and no click counts. What was earned stays,
/// purchases by earlier clicks still count, and the partner may come again.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/leave",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body(content = LeaveCampaign, example = json!({})),
    responses(Done<EnrollmentView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn leave_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<LeaveCampaign>,
) -> Result<Done<EnrollmentView>, Problem> {
    let partner = caller.partner_or_own(write.body.partner_id())?;
    let command = |_, body: LeaveCampaign| body.command(campaign, partner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(EnrollmentView::of))
}

/// Removes a partner from a campaign, as when it leaves, but it may not come again. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/remove",
    tag = "campaigns",
    params(("campaign_id" = String, Path), ("partner_id" = String, Path), Repeatable),
    request_body(content = RemovePartner, example = json!({"reason": "terms_violated"})),
    responses(Done<EnrollmentView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn remove_partner(
    State(host): State<Host>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<RemovePartner>,
) -> Result<Done<EnrollmentView>, Problem> {
    let command = |_, body: RemovePartner| body.command(campaign, partner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(EnrollmentView::of))
}

/// Invites a partner: it is in once it accepts the terms, however else partners come in. One that was removed or rejected may come
/// again then. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/invite",
    tag = "campaigns",
    params(("campaign_id" = String, Path), ("partner_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<EnrollmentView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn invite_partner(
    State(host): State<Host>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<InvitePartner>,
) -> Result<Done<EnrollmentView>, Problem> {
    let command = |_, body: InvitePartner| body.command(campaign, partner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(EnrollmentView::of))
}

/// Takes a partner's application: it is in, on the version of the terms that it accepted. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/approve",
    tag = "campaigns",
    params(("campaign_id" = String, Path), ("partner_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<EnrollmentView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn approve_partner(
    State(host): State<Host>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<ApprovePartner>,
) -> Result<Done<EnrollmentView>, Problem> {
    let command = |_, body: ApprovePartner| body.command(campaign, partner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(EnrollmentView::of))
}

/// Does not take a partner's application. It reads why, and may apply again after `needs_more_detail`. For the campaign's brand, and
/// for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/partners/{partner_id}/reject",
    tag = "campaigns",
    params(("campaign_id" = String, Path), ("partner_id" = String, Path), Repeatable),
    request_body(content = RejectPartner, example = json!({"reason": "needs_more_detail"})),
    responses(Done<EnrollmentView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn reject_partner(
    State(host): State<Host>,
    caller: Caller,
    Path((campaign, partner)): Path<(CampaignId, PartnerId)>,
    write: Write<RejectPartner>,
) -> Result<Done<EnrollmentView>, Problem> {
    let command = |_, body: RejectPartner| body.command(campaign, partner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(EnrollmentView::of))
}
