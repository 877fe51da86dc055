//! `/api/v1/campaigns` and `…/{id}/activate`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::json::{Check, Text};
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::params::Path;
use chassis::problem::{Fields, Problem};
use chassis::write::{NoBody, Write};
use host::CampaignRefusals;
use money::{BrandId, CampaignId, Currency, is_host_name, is_public_host};
use schemas::{ActivateV1, CreateV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;

const MOST_HOSTS: usize = 50;

/// A new campaign, in draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCampaign {
    /// Chosen by the client, or made here.
    #[schema(value_type = Option<String>, example = "camp123")]
    campaign_id: Option<CampaignId>,
    /// For operators: whose. Brands make their own.
    #[schema(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// What people call it.
    #[schema(example = "Summer sale")]
    name: Text<200>,
    /// ISO 4217, in which its plans pay.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// 1 to 50 hosts that links may lead to.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
}

impl Check for CreateCampaign {
    fn check(&self, fields: &mut Fields) {
        let hosts = &self.allowed_hosts;
        if !(1..=MOST_HOSTS).contains(&hosts.len()) {
            fields.refuse("/allowed_hosts", "must name 1 to 50 hosts");
            return;
        }
        for (index, host) in hosts.iter().enumerate() {
            let pointer = || format!("/allowed_hosts/{index}");
            if !is_host_name(host) {
                let detail = "must be a host name in lower case, such as shop.example.com, without scheme, port or path";
                fields.refuse(pointer(), detail);
            } else if !is_public_host(host) {
                let detail = "must be a host of the public internet: no address, no top-level domain, no local name";
                fields.refuse(pointer(), detail);
            } else if hosts[..index].contains(host) {
                fields.refuse(pointer(), "must not be named twice");
            }
        }
    }
}

/// Asks for a new campaign.
#[utoipa::path(
    post, path = "/api/v1/campaigns", tag = "campaigns", params(Repeatable, Waits),
    request_body(content = CreateCampaign,
        example = json!({"campaign_id": "camp123", "name": "Summer sale", "currency": "USD", "allowed_hosts": ["shop.example.com"]})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateCampaign>,
) -> Result<Response, Problem> {
    let kind = "campaign.create.command.v1";
    let (body, asking) = Asking::part(kind, write, caller, context);
    asking.require_role(&[Role::Brand])?;
    let brand_id = asking.brand(body.brand_id)?;
    let made = || CampaignId::of_command(asking.id);
    let campaign = body.campaign_id.unwrap_or_else(made);
    let create = CreateV1 {
        brand_id: brand_id.into_string(),
        name: body.name.into_string(),
        currency: body.currency.code().to_owned(),
        allowed_hosts: body.allowed_hosts,
    };
    bff.ask(asking, about(&campaign, create)).await
}

/// Asks that partners may join a campaign from now on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/activate", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn activate_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<NoBody>,
) -> Result<Response, Problem> {
    let kind = "campaign.activate.command.v1";
    let (NoBody {}, asking) = Asking::part(kind, write, caller, context);
    asking.require_role(&[Role::Brand])?;
    bff.ask(asking, about(&campaign, ActivateV1 {})).await
}

/// A command about a campaign itself.
pub(super) fn about(campaign: &CampaignId, body: impl Into<schemas::Body>) -> Command {
    Command {
        topic: Topic::CampaignCommands,
        key: campaign.to_string(),
        subject: campaign.to_string(),
        body: body.into(),
    }
}
