//! `/api/v1/campaign/campaigns/{campaign_id}/accept`: a partner accepts the terms.

use api::{AcceptCampaign, Request};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, Host, Submit, Waiting};
use schemas::{Body, Message};
use serde::Serialize;
use types::CampaignId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::partner_of;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(accept_campaign))
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
    /// The accepted version.
    #[schema(example = 1)]
    terms_version: i32,
    /// When.
    accepted_at: Timestamp,
}

impl AcceptanceView {
    fn of(first: &Message) -> Option<Self> {
        let Body::EnrollmentAcceptedV1(accepted) = &first.body else {
            return None;
        };
        Some(Self {
            enrollment_id: first.header.subject.clone(),
            campaign_id: first.header.key.clone(),
            partner_id: accepted.partner_id.to_string(),
            terms_version: accepted.terms_version.get(),
            accepted_at: Timestamp(first.header.time),
        })
    }
}

/// Accepts a campaign's terms. Accepting them twice is answered `already_accepted`; newer terms can be accepted again.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/accept",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body(
        content = AcceptCampaign,
        example = json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})
    ),
    responses(
        (status = 201, body = AcceptanceView),
        (status = 202, body = Waiting),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(super) async fn accept_campaign(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<AcceptCampaign>,
) -> Result<Response, Problem> {
    let id = write.command_id(&caller, AcceptCampaign::KIND);
    let request_hash = write.key.is_some().then_some(write.request_hash);
    let partner = partner_of(&caller, write.body.partner_id())?;
    let command = Submit::of(id, write.body.command(campaign, partner), request_hash);
    let submitted = host.submit(command, &caller, &context).await?;
    Ok(submitted.created(AcceptanceView::of))
}
