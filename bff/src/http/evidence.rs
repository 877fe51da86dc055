//! `/api/v1/evidence/upload`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{Check, Metadata, WebUrl};
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::problem::{Fields, Problem};
use chassis::write::Write;
use host::CampaignRefusals;
use money::{CampaignId, EvidenceId, PartnerId};
use schemas::{SubmitEvidenceV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;

/// What a partner shows of what it did.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitEvidence {
    /// For which campaign.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
    /// 1 to 64 characters from `A-Z a-z 0-9 _ -`.
    #[schema(example = "photo")]
    evidence_type: String,
    /// Where the file lies.
    file_url: WebUrl,
    /// For operators: who shows it. Partners show their own.
    #[schema(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// The client's own notes.
    metadata: Option<Metadata>,
}

impl Check for SubmitEvidence {
    fn check(&self, fields: &mut Fields) {
        fields.require(
            money::ids::is_valid(&self.evidence_type),
            "/evidence_type",
            "must be 1 to 64 characters from A-Z a-z 0-9 _ -",
        );
    }
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
    let (body, asking) = Asking::part(
        "campaign.submit_evidence.command.v1",
        write,
        caller,
        context,
    );
    let partner = asking.partner(body.partner_id)?;
    let (campaign, url) = (&body.campaign_id, body.file_url.as_str());
    let evidence = EvidenceId::of(campaign, &partner, &body.evidence_type, url);
    let command = Command {
        topic: Topic::CampaignCommands,
        key: campaign.to_string(),
        subject: evidence.into_string(),
        body: SubmitEvidenceV1 {
            partner_id: partner.into_string(),
            evidence_type: body.evidence_type,
            file_url: body.file_url.into_string(),
            metadata: body.metadata.map(|metadata| metadata.as_str().to_owned()),
        }
        .into(),
    };
    bff.ask(asking, command).await
}
