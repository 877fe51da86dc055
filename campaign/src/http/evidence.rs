//! `/api/v1/campaign/evidence`: what partners show of their work.

use api::lists::EvidenceReason;
use api::{ApproveEvidence, RejectEvidence, ReturnEvidence, SubmitEvidence};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::{Json, Metadata};
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::{Path, parameter};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, Created, Done, EvidenceStatus, Host, OrUnread};
use schemas::{Body, Message};
use sealing::personal::PersonalKeys;
use sealing::texts;
use serde::{Deserialize, Serialize};
use types::{
    CampaignId, EvidenceId, EvidenceReason as Reason, EvidenceStatus as Status, Micros, PartnerId,
    check_evidence_type,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::evidence::{self, Narrowed, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(submit_evidence, list_evidence))
        .routes(routes!(get_evidence))
        .routes(routes!(approve_evidence))
        .routes(routes!(reject_evidence))
        .routes(routes!(return_evidence))
}

/// A piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceView {
    /// Its id.
    #[schema(example = "evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    evidence_id: String,
    /// For which campaign.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Who showed it.
    #[schema(example = "partner123")]
    partner_id: String,
    /// What it is.
    #[schema(example = "photo")]
    evidence_type: String,
    /// Where the file lies; `null` when the address was erased.
    #[schema(example = "https://example.com/photo.jpg")]
    file_url: Option<String>,
    /// SHA-256 of the address.
    url_hash: String,
    /// SHA-256 of the file, where its partner gave it.
    content_hash: Option<String>,
    /// The evidence that was returned, and that this is shown for.
    replaces: Option<String>,
    /// The first evidence of the campaign that has the same address or the same content. For brands and operators: a partner is not told who
    /// else showed what it did.
    duplicate_of: Option<String>,
    /// The client's own notes.
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
    /// What was submitted, with the address and notes of the request: a repeat of it has the same.
    fn of(
        first: &Message,
        file_url: String,
        metadata: Option<Metadata>,
        caller: &Caller,
    ) -> Option<Self> {
        let Body::EvidenceSubmittedV1(submitted) = &first.body else {
            return None;
        };
        let duplicate_of = submitted.duplicate_of.as_ref().map(ToString::to_string);
        let is_partners = caller.is_only_partner(submitted.partner_id.as_str());
        Some(Self {
            evidence_id: first.header.subject.clone(),
            campaign_id: first.header.key.clone(),
            partner_id: submitted.partner_id.to_string(),
            evidence_type: submitted.evidence_type.clone(),
            file_url: Some(file_url),
            url_hash: submitted.url_hash.clone(),
            content_hash: submitted.content_hash.clone(),
            replaces: submitted.replaces.as_ref().map(ToString::to_string),
            duplicate_of: duplicate_of.filter(|_| !is_partners),
            metadata,
            status: Status::Submitted.name().to_owned(),
            reason: None,
            submitted_at: Timestamp(first.header.time),
            decided_at: None,
        })
    }
}

/// Which texts of it are sealed.
fn sealed(row: &Row) -> [Option<&[u8]>; 2] {
    [
        row.evidence.sealed_url.as_deref(),
        row.sealed_metadata.as_deref(),
    ]
}

impl EvidenceView {
    fn read(row: Row, keys: &PersonalKeys, caller: &Caller) -> Self {
        // What an external producer showed is sealed under no key of its partner: after an erasure nobody reads it all the same.
        let is_erased = row.erased_at >= Some(row.evidence.submitted_at);
        let [url, notes] = match EvidenceId::parse(row.evidence.id.as_str()) {
            Ok(id) if !is_erased => {
                let of = [texts::of_evidence(&id), texts::of_evidences_notes(&id)];
                let [url, notes] = sealed(&row);
                [
                    url.and_then(|sealed| keys.open(&of[0], sealed)),
                    notes.and_then(|sealed| keys.open(&of[1], sealed)),
                ]
            }
            _ => [None, None],
        };
        let metadata = row.metadata.or(notes);
        let stored = row.evidence;
        let is_partners = caller.is_only_partner(&stored.partner_id);
        Self {
            evidence_id: stored.id,
            campaign_id: stored.campaign_id,
            partner_id: stored.partner_id,
            evidence_type: stored.evidence_type,
            file_url: row.file_url.or(url),
            url_hash: stored.url_hash,
            content_hash: stored.content_hash,
            replaces: stored.replaces,
            duplicate_of: stored.duplicate_of.filter(|_| !is_partners),
            metadata: metadata.and_then(|text| Metadata::parse(&text).ok()),
            status: stored.status,
            reason: stored.reason,
            submitted_at: Timestamp(Micros(stored.submitted_at)),
            decided_at: stored.decided_at.map(|at| Timestamp(Micros(at))),
        }
    }
}

/// What a brand has said of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewView {
    /// Of which.
    #[schema(example = "evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    evidence_id: String,
    /// For which campaign.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Who showed it.
    #[schema(example = "partner123")]
    partner_id: String,
    #[schema(value_type = EvidenceStatus)]
    status: &'static str,
    /// Why the brand rejected or returned it.
    #[schema(value_type = Option<EvidenceReason>)]
    reason: Option<&'static str>,
    /// When it said so.
    decided_at: Timestamp,
}

impl ReviewView {
    fn of(first: &Message) -> Option<Self> {
        let (partner, status, reason) = match &first.body {
            Body::EvidenceApprovedV1(it) => (&it.partner_id, Status::Approved, None),
            Body::EvidenceRejectedV1(it) => (&it.partner_id, Status::Rejected, Some(it.reason)),
            Body::EvidenceReturnedV1(it) => (&it.partner_id, Status::Returned, Some(it.reason)),
            _ => return None,
        };
        Some(Self {
            evidence_id: first.header.subject.clone(),
            campaign_id: first.header.key.clone(),
            partner_id: partner.to_string(),
            status: status.name(),
            reason: reason.map(Reason::name),
            decided_at: Timestamp(first.header.time),
        })
    }
}

/// Which evidence a list holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EvidenceFilter {
    /// For this campaign only.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner only.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this type only.
    evidence_type: Option<String>,
    /// That stands so.
    #[param(value_type = Option<EvidenceStatus>, inline)]
    status: Option<Status>,
    /// `true`: only what was shown before; `false`: only what was not.
    duplicates: Option<bool>,
}

/// Shows what a partner did for a campaign that it is enrolled in. What somebody showed before is taken, and marked for
/// the brand (`duplicate_of`). What the brand returned may be shown again: the same address as it is, another with `replaces`.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/evidence",
    tag = "evidence",
    params(Repeatable),
    request_body(
        content = SubmitEvidence,
        example = json!({"campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://example.com/photo.jpg", "metadata": {"description": "Product photo"}})
    ),
    responses(Created<EvidenceView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn submit_evidence(
    State(host): State<Host>,
    caller: Caller,
    write: Write<SubmitEvidence>,
) -> Result<Created<EvidenceView>, Problem> {
    let partner = caller.partner_or_own(write.body.partner_id())?;
    let file_url = write.body.file_url().to_string();
    let metadata = write.body.metadata().cloned();
    let key = host.personal_key(&caller, &partner, true).await?;
    let command = |_, body: SubmitEvidence| body.command(partner, &key);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| EvidenceView::of(first, file_url, metadata, &caller)))
}

/// Evidence, newest first: a partner's own, for brands that of their campaigns.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/evidence",
    tag = "evidence",
    params(PageQuery, EvidenceFilter),
    responses((status = 200, body = Page<EvidenceView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_evidence(
    State(host): State<Host>,
    caller: Caller,
    list: List<EvidenceFilter>,
) -> Result<Page<EvidenceView>, Problem> {
    let filter = &list.filter;
    let evidence_type = filter.evidence_type.as_deref();
    evidence_type
        .map_or(Ok(()), check_evidence_type)
        .map_err(|invalid| parameter("evidence_type", invalid.0))?;
    let narrowed = Narrowed {
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        evidence_type,
        status: filter.status,
        duplicates: filter.duplicates,
    };
    let rows = evidence::list(host.pool(), caller.scope()?, list.page, &narrowed)
        .await
        .or_unread()?;
    let keys = host.personal_keys(rows.iter().flat_map(sealed)).await?;
    let position = |row: &Row| row.evidence.position;
    let view = |row| EvidenceView::read(row, &keys, &caller);
    Ok(Page::new(list.page, rows, position, view))
}

/// One piece of evidence.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/evidence/{evidence_id}",
    tag = "evidence",
    params(("evidence_id" = String, Path)),
    responses((status = 200, body = EvidenceView), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn get_evidence(
    State(host): State<Host>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
) -> Result<Json<EvidenceView>, Problem> {
    let row = evidence::find(host.pool(), caller.scope()?, &evidence)
        .await
        .or_unread()?;
    let row = row.ok_or_else(Problem::not_found)?;
    let keys = host.personal_keys(sealed(&row)).await?;
    Ok(Json(EvidenceView::read(row, &keys, &caller)))
}

/// Says that evidence shows what it should. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/evidence/{evidence_id}/approve",
    tag = "evidence",
    params(("evidence_id" = String, Path), Repeatable),
    request_body(content = ApproveEvidence, example = json!({"campaign_id": "camp123"})),
    responses(Done<ReviewView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn approve_evidence(
    State(host): State<Host>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
    write: Write<ApproveEvidence>,
) -> Result<Done<ReviewView>, Problem> {
    let command = |_, body: ApproveEvidence| body.command(evidence);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(ReviewView::of))
}

/// Says that evidence does not show what it should, for good; its partner reads why. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/evidence/{evidence_id}/reject",
    tag = "evidence",
    params(("evidence_id" = String, Path), Repeatable),
    request_body(content = RejectEvidence, example = json!({"campaign_id": "camp123", "reason": "duplicate"})),
    responses(Done<ReviewView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn reject_evidence(
    State(host): State<Host>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
    write: Write<RejectEvidence>,
) -> Result<Done<ReviewView>, Problem> {
    let command = |_, body: RejectEvidence| body.command(evidence);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(ReviewView::of))
}

/// Gives evidence back: its partner reads why, and may show more, or something else. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/evidence/{evidence_id}/return",
    tag = "evidence",
    params(("evidence_id" = String, Path), Repeatable),
    request_body(content = ReturnEvidence, example = json!({"campaign_id": "camp123", "reason": "needs_more_detail"})),
    responses(Done<ReviewView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn return_evidence(
    State(host): State<Host>,
    caller: Caller,
    Path(evidence): Path<EvidenceId>,
    write: Write<ReturnEvidence>,
) -> Result<Done<ReviewView>, Problem> {
    let command = |_, body: ReturnEvidence| body.command(evidence);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(ReviewView::of))
}
