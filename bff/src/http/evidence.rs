//! `/api/v1/evidence/upload` and `/api/v1/evidence`.

use api::SubmitEvidence;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::CampaignRefusals;
use serde::{Deserialize, Serialize};
use types::{CampaignId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::shown::moment;
use super::submit::{Accepted, CommandRequest};
use crate::store::evidence::{self, EvidenceRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(submit_evidence))
        .routes(routes!(list_evidence))
}

/// Shows a piece of evidence for a campaign.
#[utoipa::path(
    post, path = "/api/v1/evidence/upload", tag = "evidence", params(Repeatable, Waits),
    request_body(content = SubmitEvidence,
        example = json!({"campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://example.com/photo.jpg", "metadata": {"description": "Product photo"}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn submit_evidence(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<SubmitEvidence>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    let partner = command_request.partner(body.partner_id())?;
    bff.submit(command_request, body.command(partner)).await
}

/// A piece of evidence. Where its file lies is with the campaign service alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvidenceView {
    #[schema(example = "evd_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    campaign_id: String,
    partner_id: String,
    #[schema(example = "photo")]
    evidence_type: String,
    /// SHA-256 of the file's address.
    url_hash: String,
    submitted_at: Timestamp,
}

impl From<EvidenceRow> for EvidenceView {
    fn from(row: EvidenceRow) -> Self {
        Self {
            id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            evidence_type: row.evidence_type,
            url_hash: row.url_hash,
            submitted_at: moment(row.submitted_at),
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
    let (campaign, partner) = (filter.campaign_id.as_ref(), filter.partner_id.as_ref());
    let scope = caller.scope()?;
    let rows = evidence::list(bff.host.pool(), scope, campaign, partner, list.page)
        .await
        .map_err(|error| runtime::unread(&error))?;
    let page = Page::new(list.page, rows, |row| row.position, EvidenceView::from);
    Ok(page)
}
