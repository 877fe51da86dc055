//! `/api/v1/campaigns`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::json::{Check, Metadata, Text};
use chassis::openapi::Problems;
use chassis::params::Path;
use chassis::problem::{Fields, Problem};
use chassis::write::{NoBody, Write};
use money::{BrandId, CampaignId, Currency, EnrollmentId, PartnerId};
use schemas::{AcceptV1, ActivateV1, CreateV1, PublishTermsV1, Topic};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;
use super::plan::PlanBody;

const MOST_HOSTS: usize = 50;
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;
const LONGEST_TERMS: usize = 16_000;
const LONGEST_WINDOW_DAYS: i32 = 365;

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
            if !is_host(host) {
                let detail = "must be a host name in lower case, such as shop.example.com, without scheme, port or path";
                fields.refuse(pointer(), detail);
            } else if hosts[..index].contains(host) {
                fields.refuse(pointer(), "must not be named twice");
            }
        }
    }
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        let ascii = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(ascii)
    };
    text.len() <= LONGEST_HOST && text.split('.').all(label)
}

/// A new version of a campaign's terms and plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishTerms {
    /// The terms as partners read them: 1 to 16,000 characters.
    text: String,
    /// Days from a click within which a conversion is attributed to it: 1 to 365.
    #[schema(example = 30)]
    window_days: i32,
    /// What conversions earn.
    plan: PlanBody,
}

impl Check for PublishTerms {
    fn check(&self, fields: &mut Fields) {
        let layout = |c: char| matches!(c, '\n' | '\r' | '\t');
        let readable = !self.text.chars().any(|c| c.is_control() && !layout(c));
        fields.require(
            (1..=LONGEST_TERMS).contains(&self.text.chars().count()),
            "/text",
            "must be 1 to 16000 characters",
        );
        fields.require(
            readable,
            "/text",
            "must not hold control characters other than line ends and tabs",
        );
        fields.require(
            (1..=LONGEST_WINDOW_DAYS).contains(&self.window_days),
            "/window_days",
            "must be 1 to 365 days",
        );
        self.plan.check(fields);
    }
}

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

/// Asks for a new campaign.
#[utoipa::path(
    post, path = "/api/v1/campaigns", tag = "campaigns", request_body = CreateCampaign,
    responses((status = 202, body = Accepted), (status = 200, body = CommandView, description = "Its outcome, under Prefer: wait"), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn create_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateCampaign>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part(write, caller, context);
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

/// Asks for a new version of a campaign's terms and plan.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/terms", tag = "campaigns", params(("id" = String, Path)), request_body = PublishTerms,
    responses((status = 202, body = Accepted), (status = 200, body = CommandView, description = "Its outcome, under Prefer: wait"), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn publish_terms(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<PublishTerms>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part(write, caller, context);
    asking.require_role(&[Role::Brand])?;
    let publish = PublishTermsV1 {
        text: body.text,
        window_days: body.window_days,
        plan: body.plan.into_wire(),
    };
    bff.ask(asking, about(&campaign, publish)).await
}

/// Asks that partners may join a campaign from now on.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/activate", tag = "campaigns", params(("id" = String, Path)), request_body = NoBody,
    responses((status = 202, body = Accepted), (status = 200, body = CommandView, description = "Its outcome, under Prefer: wait"), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn activate_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<NoBody>,
) -> Result<Response, Problem> {
    let (NoBody {}, asking) = Asking::part(write, caller, context);
    asking.require_role(&[Role::Brand])?;
    bff.ask(asking, about(&campaign, ActivateV1 {})).await
}

/// Accepts a campaign's terms.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/accept", tag = "campaigns", params(("id" = String, Path)), request_body = AcceptCampaign,
    responses((status = 202, body = Accepted), (status = 200, body = CommandView, description = "Its outcome, under Prefer: wait"), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn accept_campaign(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<AcceptCampaign>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part(write, caller, context);
    let partner = asking.partner(body.partner_id)?;
    let command = Command {
        subject: EnrollmentId::of(&campaign, &partner).into_string(),
        ..about(
            &campaign,
            AcceptV1 {
                partner_id: partner.into_string(),
                terms_version: body.terms_version,
                metadata: body.metadata.map(|metadata| metadata.as_str().to_owned()),
            },
        )
    };
    bff.ask(asking, command).await
}

fn about(campaign: &CampaignId, body: impl Into<schemas::Body>) -> Command {
    Command {
        topic: Topic::CampaignCommands,
        key: campaign.to_string(),
        subject: campaign.to_string(),
        body: body.into(),
    }
}
