//! `/api/v1/campaign/evidence`: what partners show of their work.

use api::{Request, SubmitEvidence};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::Metadata;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::parameter;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, Host, Waiting};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{CampaignId, Micros, PartnerId, check_evidence_type};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::partner_of;
use crate::store::evidence::{self, Narrowed, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(submit_evidence, list_evidence))
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
    /// The client's own notes.
    metadata: Option<Metadata>,
    /// When it was shown.
    submitted_at: Timestamp,
}

impl EvidenceView {
    /// What was submitted, with the address and notes of the request: a repeat of it has the same.
    fn of(first: &Message, file_url: String, metadata: Option<Metadata>) -> Option<Self> {
        let Body::EvidenceSubmittedV1(submitted) = &first.body else {
            return None;
        };
        Some(Self {
            evidence_id: first.header.subject.clone(),
            campaign_id: first.header.key.clone(),
            partner_id: submitted.partner_id.to_string(),
            evidence_type: submitted.evidence_type.clone(),
            file_url: Some(file_url),
            url_hash: submitted.url_hash.clone(),
            metadata,
            submitted_at: Timestamp(first.header.time),
        })
    }
}

impl From<Row> for EvidenceView {
    fn from(row: Row) -> Self {
        Self {
            evidence_id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            evidence_type: row.evidence_type,
            file_url: row.file_url,
            url_hash: row.url_hash,
            metadata: row.metadata.and_then(|text| Metadata::parse(&text).ok()),
            submitted_at: Timestamp(Micros(row.submitted_at)),
        }
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
}

/// Shows what a partner did for a campaign that it is enrolled in.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/evidence",
    tag = "evidence",
    params(Repeatable),
    request_body(
        content = SubmitEvidence,
        example = json!({"campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://example.com/photo.jpg", "metadata": {"description": "Product photo"}})
    ),
    responses(
        (status = 201, body = EvidenceView),
        (status = 202, body = Waiting),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(super) async fn submit_evidence(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    write: Write<SubmitEvidence>,
) -> Result<Response, Problem> {
    let partner = partner_of(&caller, write.body.partner_id())?;
    let file_url = write.body.file_url().to_string();
    let metadata = write.body.metadata().cloned();
    let command = |_, body: SubmitEvidence| body.command(partner);
    let submitted = host
        .submit_write(SubmitEvidence::KIND, write, &caller, &context, command)
        .await?;
    Ok(submitted.created(|first| EvidenceView::of(first, file_url, metadata)))
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
    };
    let rows = evidence::list(host.pool(), caller.scope()?, list.page, &narrowed).await;
    Ok(Page::new(
        list.page,
        rows.map_err(|error| runtime::unread(&error))?,
        |row| row.position,
        EvidenceView::from,
    ))
}
