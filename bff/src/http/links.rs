//! `/api/v1/links`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{Check, WebUrl};
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::problem::Problem;
use chassis::write::Write;
use host::TrackingRefusals;
use money::{CampaignId, LinkCode, PartnerId};
use schemas::{CreateLinkV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;

/// A link that leads a partner's visitors to a brand's page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateLink {
    /// The campaign that it works for.
    #[schema(value_type = String, example = "camp123")]
    campaign_id: CampaignId,
    /// Where it leads: on one of the campaign's hosts.
    target_url: WebUrl,
    /// What stands behind `/c/`; chosen by the client, or made here.
    #[schema(value_type = Option<String>, example = "summer")]
    code: Option<LinkCode>,
    /// For operators: whose visitors. Partners make their own.
    #[schema(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
}

impl Check for CreateLink {}

/// Makes a link.
#[utoipa::path(
    post, path = "/api/v1/links", tag = "tracking", params(Repeatable, Waits),
    request_body(content = CreateLink,
        example = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-sale"})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, TrackingRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_link(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateLink>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part("tracking.create_link.command.v1", write, caller, context);
    let partner = asking.partner(body.partner_id)?;
    let made = || LinkCode::of_command(asking.id);
    let code = body.code.unwrap_or_else(made);
    let command = Command {
        topic: Topic::TrackingCommands,
        key: code.to_string(),
        subject: code.into_string(),
        body: CreateLinkV1 {
            campaign_id: body.campaign_id.into_string(),
            partner_id: partner.into_string(),
            target_url: body.target_url.into_string(),
        }
        .into(),
    };
    bff.ask(asking, command).await
}
