//! `/api/v1/campaigns/{id}/terms`.

use api::{PlanView, PublishTerms};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::page::{List, NoFilter, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, OrUnread};
use serde::Serialize;
use types::{CampaignId, Currency};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::terms::{self, TermsRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(publish_terms, list_terms))
}

/// Asks for a new version of a campaign's terms and plan.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/terms", tag = "campaigns", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = PublishTerms,
        example = json!({"text": "Show the product, not a price.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": 14}})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["campaigns.write"]))
)]
pub(crate) async fn publish_terms(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<PublishTerms>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(campaign)).await
}

/// A version of a campaign's terms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TermsView {
    campaign_id: String,
    /// Counts from 1 within the campaign.
    #[schema(example = 1)]
    version: i32,
    /// The terms as partners read them; `null` of what was published before it was said, or was sealed under a key that is gone.
    text: Option<String>,
    /// Days from a click within which a conversion is attributed to it.
    #[schema(example = 30)]
    window_days: i32,
    plan: PlanView,
    /// From when it is in force.
    effective_at: Timestamp,
    /// Whether it is what who joins now accepts.
    in_force: bool,
    /// Whether partners who accepted the version before keep that until they accept this one; `null`, of what was published before
    /// it was decided: they do.
    worsens: Option<bool>,
    /// SHA-256 of the text, in hexadecimal.
    text_hash: Option<String>,
}

impl TermsView {
    /// Of a stored version, whose flat amounts are of the campaign's currency, where this one is in force.
    fn of(row: TermsRow, currency: Currency, in_force: Option<i32>) -> Self {
        Self {
            in_force: Some(row.version) == in_force,
            worsens: row.worsens,
            text: row.text(),
            text_hash: row.text_hash,
            plan: PlanView::of_columns(
                (row.sale_bps, row.sale_flat),
                (row.lead_bps, row.lead_flat),
                row.hold_days,
                currency,
            ),
            campaign_id: row.campaign_id,
            version: row.version,
            window_days: row.window_days,
            effective_at: moment(row.effective_at),
        }
    }
}

/// The versions of a campaign's terms, newest first, for who may see the campaign.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/terms", tag = "campaigns", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Page<TermsView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_terms(
    State(bff): State<Bff>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    list: List<NoFilter>,
) -> Result<Page<TermsView>, Problem> {
    let found = bff.campaign(&caller, &campaign).await?;
    let currency = Currency::parse(&found.currency).map_err(|error| Problem::internal(&error))?;
    let rows = terms::list(bff.host.pool(), &campaign, list.page)
        .await
        .or_unread()?;
    let view = |row| TermsView::of(row, currency, found.terms_in_force);
    let page = Page::new(list.page, rows, |row| row.position, view);
    Ok(page)
}
