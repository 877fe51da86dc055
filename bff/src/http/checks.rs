//! `/api/v1/operator/bff/checks`: what a check of the ten rules came to, noted in the audit for whoever looks after the stack.
//!
//! The check reads every service's database, which no service may: `tributary check` makes it, and reports it here.

use axum::extract::State;
use axum::http::StatusCode;
use chassis::json::{Check, Json, Text};
use chassis::openapi::{Forbidden, Problems};
use chassis::problem::{Fields, Problem};
use messaging::audit::{self, Act};
use runtime::{Host, Operator, OrUnread};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Findings that a report has at most.
const MAX_FINDINGS: usize = 200;
/// Examples of what is wrong that each has at most.
const MAX_EXAMPLES: usize = 5;

/// Its route.
pub(super) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(report_check))
        .with_state(host.clone())
}

/// What a check of the ten rules came to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckReport {
    /// Why it was made, for the audit.
    reason: Text<500>,
    /// At most 200.
    #[schema(max_items = 200)]
    findings: Vec<FindingBody>,
}

/// What one check of a rule came to.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingBody {
    /// Which of the ten rules.
    #[schema(minimum = 1, maximum = 10)]
    rule: u8,
    /// What should be true.
    check: Text<300>,
    /// How many things were looked at.
    #[schema(minimum = 0)]
    looked_at: u64,
    /// How many of them are wrong.
    #[schema(minimum = 0)]
    wrong: u64,
    /// The first of these, at most 5.
    #[schema(max_items = 5)]
    broken: Vec<Text<2000>>,
}

impl Check for CheckReport {
    fn check(&self, fields: &mut Fields) {
        let count = self.findings.len();
        let fits = (1..=MAX_FINDINGS).contains(&count);
        fields.require(fits, "/findings", "must be 1 to 200");
        let rules = self.findings.iter().all(|it| (1..=10).contains(&it.rule));
        fields.require(rules, "/findings", "are of the rules 1 to 10");
        let mut each = self.findings.iter();
        let few = each.all(|it| it.broken.len() <= MAX_EXAMPLES);
        fields.require(few, "/findings", "have at most 5 examples each");
    }
}

/// Notes what a check of the ten rules came to, as `tributary check --report` does: the audit has it as `rules.check`, with who made it
/// and when.
#[utoipa::path(
    post, path = "/api/v1/operator/bff/checks", tag = "operator", request_body = CheckReport,
    responses((status = 204, description = "Noted"), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn report_check(
    State(host): State<Host>,
    operator: Operator,
    Json(report): Json<CheckReport>,
) -> Result<StatusCode, Problem> {
    let broken = report.findings.iter().filter(|it| it.wrong > 0).count();
    let act = Act {
        actor: operator.name(),
        action: "rules.check",
        target: if broken == 0 { "held" } else { "broken" }.to_owned(),
        reason: &report.reason,
        detail: json!({"findings": report.findings}),
    };
    let noted = async {
        let at = messaging::job::now(host.pool()).await?;
        let mut connection = host.pool().acquire().await?;
        audit::record(&mut connection, at, &act).await
    };
    noted.await.or_unread()?;
    Ok(StatusCode::NO_CONTENT)
}
