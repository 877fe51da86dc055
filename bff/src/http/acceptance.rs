//! `/api/v1/campaigns/{id}/accept`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{Check, Metadata};
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::params::Path;
use chassis::problem::{Fields, Problem};
use chassis::write::Write;
use host::CampaignRefusals;
use money::{CampaignId, EnrollmentId, PartnerId};
use schemas::{AcceptV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;

/// A partner's acceptance of a campaign's terms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptCampaign {
    /// Must be true.
    accepted_terms: bool,
    /// The version that was read; absent: the one in force.
    #[schema(minimum = 1)]
    terms_version: Option<i32>,
    /// For operators: who accepts. Partners accept for themselves.
    #[schema(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// The client's own notes.
    metadata: Option<Metadata>,
}

impl Check for AcceptCampaign {
    fn check(&self, fields: &mut Fields) {
        fields.require(self.accepted_terms, "/accepted_terms", "must be true");
        fields.require(
            self.terms_version.is_none_or(|version| version >= 1),
            "/terms_version",
            "must be 1 or more",
        );
    }
}

/// Accepts a campaign's terms.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/accept", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = AcceptCampaign,
        example = json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn accept_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<AcceptCampaign>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part("campaign.accept.command.v1", write, caller, context);
    let partner = asking.partner(body.partner_id)?;
    let command = Command {
        topic: Topic::CampaignCommands,
        subject: EnrollmentId::of(&campaign, &partner).into_string(),
        key: campaign.into_string(),
        body: AcceptV1 {
            partner_id: partner.into_string(),
            terms_version: body.terms_version,
            metadata: body.metadata.map(|metadata| metadata.as_str().to_owned()),
        }
        .into(),
    };
    bff.ask(asking, command).await
}
