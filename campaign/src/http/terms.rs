//! `/api/v1/campaign/campaigns/{campaign_id}/terms`: every version of a campaign's terms, with its plan.

use api::{PlanView, PublishTerms};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, NoFilter, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, Created, Host, OrUnread};
use schemas::{Body, Message};
use serde::Serialize;
use types::{CampaignId, Currency, Micros};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::campaigns;
use crate::store::terms::{self, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(publish_terms, list_terms))
}

/// A version of a campaign's terms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TermsView {
    /// Of which campaign.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Counts from 1.
    #[schema(example = 1)]
    version: i32,
    /// The terms as partners read them; `null` when they were removed.
    text: Option<String>,
    /// Days from a click within which a conversion is attributed to it.
    #[schema(example = 30)]
    window_days: i32,
    /// What conversions earn.
    plan: PlanView,
    /// From when they are in force.
    effective_at: Timestamp,
    /// Whether it is what who joins now accepts.
    in_force: bool,
    /// Whether partners who accepted the version before keep that until they accept this one; `null`, of what was published before
    /// it was decided: they do.
    worsens: Option<bool>,
    /// SHA-256 of the text, in hexadecimal.
    text_hash: Option<String>,
}

/// Publishes a new version of a campaign's terms, in force from now on or from a day within a year. Who accepted the version before has
/// this one from then on if it worsens nothing, else when it accepts it. It takes the place of versions that would be in force no
/// earlier: they never are. A campaign has at most 10 versions that are yet to come into force, and 1,000 in all. For its brand and for
/// operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/terms",
    tag = "campaigns",
    params(("campaign_id" = String, Path), Repeatable),
    request_body(
        content = PublishTerms,
        example = json!({"text": "Show the product, not a price.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": 14}})
    ),
    responses(Created<TermsView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn publish_terms(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    write: Write<PublishTerms>,
) -> Result<Created<TermsView>, Problem> {
    let text = write.body.text().to_owned();
    let command = |_, body: PublishTerms| body.command(campaign);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| published(first, text)))
}

/// The published version, with the text of the request: a repeat of it has the same.
fn published(first: &Message, text: String) -> Option<TermsView> {
    let Body::TermsPublishedV1(terms) = &first.body else {
        return None;
    };
    Some(TermsView {
        campaign_id: first.header.subject.clone(),
        version: terms.version.get(),
        text: Some(text),
        window_days: terms.window_days.get(),
        plan: PlanView::from(&terms.plan.read().ok()?),
        effective_at: Timestamp(terms.effective_at),
        in_force: terms.effective_at <= first.header.time,
        worsens: terms.worsens,
        text_hash: terms.text_hash.clone(),
    })
}

/// The versions of a campaign's terms, newest first, for who may see the campaign.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/campaigns/{campaign_id}/terms",
    tag = "campaigns",
    params(("campaign_id" = String, Path), PageQuery),
    responses((status = 200, body = Page<TermsView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_terms(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
    list: List<NoFilter>,
) -> Result<Page<TermsView>, Problem> {
    let found = campaigns::find(host.pool(), caller.scope()?, &campaign).await;
    let found = found.or_unread()?.ok_or_else(Problem::not_found)?;
    let currency = Currency::parse(&found.currency).map_err(|error| Problem::internal(&error))?;
    let rows = terms::list(host.pool(), &campaign, list.page).await;
    let view = |row: Row| TermsView {
        campaign_id: campaign.to_string(),
        version: row.version,
        plan: PlanView::of_columns(
            (row.sale_bps, row.sale_flat),
            (row.lead_bps, row.lead_flat),
            row.hold_days,
            currency,
        ),
        text: row.text,
        window_days: row.window_days,
        effective_at: Timestamp(Micros(row.effective_at)),
        in_force: Some(row.version) == found.terms_in_force,
        worsens: row.worsens,
        text_hash: row.text_hash,
    };
    Ok(Page::new(
        list.page,
        rows.or_unread()?,
        |row| row.position,
        view,
    ))
}
