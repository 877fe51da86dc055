//! `/api/v1/campaign/campaigns/{campaign_id}/accept`: a partner accepts the terms.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{Check, Metadata};
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::params::Path;
use chassis::problem::{Fields, Problem};
use chassis::time::Timestamp;
use chassis::write::Write;
use host::{Ask, CampaignRefusals, Host, Waiting};
use money::{CampaignId, EnrollmentId, PartnerId};
use schemas::{AcceptV1, Body, Message};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::partner_of;
use crate::domain::TermsVersion;

/// A partner's yes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptCampaign {
    /// Must be true: without it nothing is accepted.
    #[schema(example = true)]
    accepted_terms: bool,
    /// The version that was read; absent: the one in force.
    #[schema(minimum = 1, example = 1)]
    terms_version: Option<i32>,
    /// Who accepts; absent: the token's own partner. An operator must give it.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// The client's own notes.
    metadata: Option<Metadata>,
}

impl Check for AcceptCampaign {
    fn check(&self, fields: &mut Fields) {
        fields.require(self.accepted_terms, "/accepted_terms", "must be true");
        if let Some(version) = self.terms_version {
            fields.take("/terms_version", TermsVersion::parse(version));
        }
    }
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
            partner_id: accepted.partner_id.clone(),
            terms_version: accepted.terms_version,
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
    let id = write.command_id(&caller, "campaign.accept.command.v1");
    let request_hash = write.key.is_some().then_some(write.request_hash);
    let body = write.body;
    let partner = partner_of(&caller, body.partner_id)?;
    let ask = Ask {
        id,
        subject: EnrollmentId::of(&campaign, &partner).into_string(),
        key: campaign.into_string(),
        body: Body::AcceptV1(AcceptV1 {
            partner_id: partner.into_string(),
            terms_version: body.terms_version,
            metadata: body.metadata.map(|metadata| metadata.as_str().to_owned()),
        }),
        request_hash,
    };
    let answered = host.ask(ask, &caller, &context).await?;
    Ok(answered.created(AcceptanceView::of))
}
