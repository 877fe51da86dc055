//! `/api/v1/campaigns/{id}/terms`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::http::RequestContext;
use chassis::json::Check;
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::params::Path;
use chassis::problem::{Fields, Problem};
use chassis::write::Write;
use host::CampaignRefusals;
use money::CampaignId;
use schemas::PublishTermsV1;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking};
use super::campaigns::about;
use super::commands::CommandView;
use super::plan::PlanBody;

const LONGEST_TERMS: usize = 16_000;
const LONGEST_WINDOW_DAYS: i32 = 365;

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

/// Asks for a new version of a campaign's terms and plan.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/terms", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = PublishTerms,
        example = json!({"text": "Show the product, not a price.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": 14}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn publish_terms(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<PublishTerms>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part("campaign.publish_terms.command.v1", write, caller, context);
    asking.require_role(&[Role::Brand])?;
    let publish = PublishTermsV1 {
        text: body.text,
        window_days: body.window_days,
        plan: body.plan.into_wire(),
    };
    bff.ask(asking, about(&campaign, publish)).await
}
