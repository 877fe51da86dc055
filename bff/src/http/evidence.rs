//! `/api/v1/evidence/upload` and `/api/v1/evidence`: what partners show, and what brands say of it.

use api::lists::EvidenceReason;
use api::{ApproveEvidence, RejectEvidence, ReturnEvidence, SubmitEvidence};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::json::{Json, Metadata};
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, EvidenceStatus, OrUnread};
use sealing::personal::PersonalKeys;
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, EvidenceId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::evidence::{self, EvidenceRow};
use crate::store::of_campaigns::To;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(submit_evidence))
        .routes(routes!(list_evidence))
        .routes(routes!(get_evidence))
        .routes(routes!(approve_evidence))
        .routes(routes!(reject_evidence))
        .routes(routes!(return_evidence))
}

/// Shows a piece of evidence for a campaign. What somebody showed before is taken, and marked for the brand (`duplicate_of`). What the brand
/// returned may be shown again: the same address as it is, another with `replaces`.
#[utoipa::path(
    post, path = "/api/v1/evidence/upload", tag = "evidence", params(Repeatable, Waits),
    request_body(content = SubmitEvidence,
        example = json!({"campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://example.com/photo.jpg", "metadata": {"description": "Product photo"}})),
    responses(Answers<(Forbidden, NotFound, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn submit_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<SubmitEvidence>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let partner = command_request.partner(body.partner_id())?;
    let key = bff
        .host
        .personal_key(&command_request.caller, &partner, true)
        .await?;
    bff.submit(command_request, body.command(partner, &key))
        .await
}

/// A piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvidenceView {
    #[schema(example = "evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    campaign_id: String,
    partner_id: String,
    #[schema(example = "photo")]
    evidence_type: String,
    /// Where the file lies; `null` of what was submitted before it was said, or was sealed under a key that is gone.
    #[schema(example = "https://example.com/photo.jpg")]
    file_url: Option<String>,
    /// SHA-256 of the file's address.
    url_hash: String,
    /// SHA-256 of the file, where its partner gave it.
    content_hash: Option<String>,
    /// The evidence that was returned, and that this is shown for.
    replaces: Option<String>,
    /// The first evidence of the campaign that has the same address or the same content. For brands and operators: a partner is not told who
    /// else showed what it did.
    duplicate_of: Option<String>,
    /// The client's own notes; `null` where the partner's client sent none, or their key is gone.
    metadata: Option<Metadata>,
    #[schema(value_type = EvidenceStatus)]
    status: String,
    /// Why the brand rejected or returned it.
    #[schema(value_type = Option<EvidenceReason>)]
    reason: Option<String>,
    /// When it was shown last.
    submitted_at: Timestamp,
    /// When the brand decided.
    decided_at: Option<Timestamp>,
}

impl EvidenceView {
    fn read(row: EvidenceRow, keys: &PersonalKeys, caller: &Caller) -> Self {
        let is_partners = caller.is_only_partner(&row.partner_id);
        let [file_url, notes] = row.opened(keys);
        Self {
            file_url,
            id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            evidence_type: row.evidence_type,
            url_hash: row.url_hash,
            content_hash: row.content_hash,
            replaces: row.replaces,
            duplicate_of: row.duplicate_of.filter(|_| !is_partners),
            metadata: notes.and_then(|text| Metadata::parse(&text).ok()),
            status: row.status,
            reason: row.reason,
            submitted_at: moment(row.submitted_at),
            decided_at: row.decided_at.map(moment),
        }
    }
}

/// Which evidence.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EvidenceFilter {
    /// For this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// For campaigns of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// That stands so.
    #[param(inline, value_type = Option<EvidenceStatus>)]
    status: Option<types::EvidenceStatus>,
    /// `true`: only what was shown before; `false`: only what was not.
    duplicates: Option<bool>,
}

/// One piece of evidence.
#[utoipa::path(
    get, path = "/api/v1/evidence/{id}", tag = "evidence", params(("id" = String, Path)),
    responses((status = 200, body = EvidenceView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<EvidenceId>,
) -> Result<Json<EvidenceView>, Problem> {
    let row = evidence::find(bff.host.pool(), caller.scope()?, &id)
        .await
        .or_unread()?;
    let row = row.ok_or_else(Problem::not_found)?;
    let keys = bff.host.personal_keys(row.sealed()).await?;
    Ok(Json(EvidenceView::read(row, &keys, &caller)))
}

/// Evidence, newest first: a partner's own, what was shown for a brand's campaigns, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/evidence", tag = "evidence", params(PageQuery, EvidenceFilter),
    responses((status = 200, body = Page<EvidenceView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<EvidenceFilter>,
) -> Result<Page<EvidenceView>, Problem> {
    let filter = &list.filter;
    let of = To {
        brand: filter.brand_id.as_ref(),
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
    };
    let (status, duplicates) = (filter.status, filter.duplicates);
    let rows = evidence::list(
        bff.host.pool(),
        caller.scope()?,
        of,
        status,
        duplicates,
        list.page,
    )
    .await
    .or_unread()?;
    let sealed = rows.iter().flat_map(EvidenceRow::sealed);
    let keys = bff.host.personal_keys(sealed).await?;
    let view = |row| EvidenceView::read(row, &keys, &caller);
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

/// Asks that evidence is approved: it shows what it should. For the campaign's brand, and for operators.
#[utoipa::path(
    post, path = "/api/v1/evidence/{id}/approve", tag = "evidence", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = ApproveEvidence, example = json!({"campaign_id": "camp123"})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn approve_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
    write: Write<ApproveEvidence>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(evidence)).await
}

/// Asks that evidence is rejected, for good; its partner reads why. For the campaign's brand, and for operators.
#[utoipa::path(
    post, path = "/api/v1/evidence/{id}/reject", tag = "evidence", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = RejectEvidence, example = json!({"campaign_id": "camp123", "reason": "duplicate"})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn reject_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
    write: Write<RejectEvidence>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(evidence)).await
}

/// Asks that evidence goes back: its partner reads why, and may show more, or something else. For the campaign's brand, and for operators.
#[utoipa::path(
    post, path = "/api/v1/evidence/{id}/return", tag = "evidence", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = ReturnEvidence, example = json!({"campaign_id": "camp123", "reason": "needs_more_detail"})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn return_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
    write: Write<ReturnEvidence>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(evidence)).await
}
