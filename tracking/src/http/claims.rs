//! `/api/v1/tracking/claims`: what partners say that they earned, for the brand to decide.

use api::lists::DeclineReason;
use api::{AcceptClaim, DeclineClaim, Request};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{ClaimStatus, ConversionType, Done, Host, OrUnread, TrackingRefusals};
use schemas::{Body, Message, Written};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, ClaimId, Currency, Micros, Money, OrderId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::conversions::Paid;
use crate::store::claims::{self, ClaimFilter, ClaimRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_claims))
        .routes(routes!(get_claim))
        .routes(routes!(accept_claim))
        .routes(routes!(decline_claim))
}

/// What a partner claims.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClaimView {
    id: String,
    #[schema(value_type = ClaimStatus)]
    status: String,
    /// The conversion of its order, once there is one.
    conversion_id: Option<Uuid>,
    #[schema(value_type = ConversionType)]
    event_type: String,
    order_id: Option<String>,
    campaign_id: String,
    brand_id: String,
    partner_id: String,
    link_code: String,
    click_id: String,
    /// What was paid, as the partner says.
    amount: Option<Paid>,
    /// Why it was declined.
    #[schema(value_type = Option<DeclineReason>)]
    reason: Option<String>,
    /// When, as claimed.
    occurred_at: Timestamp,
    /// When it was claimed.
    claimed_at: Timestamp,
    /// When it was decided or settled.
    decided_at: Option<Timestamp>,
}

impl From<ClaimRow> for ClaimView {
    fn from(row: ClaimRow) -> Self {
        let currency = row
            .currency
            .as_deref()
            .and_then(|code| Currency::parse(code).ok());
        let amount = row.amount_minor.zip(currency);
        Self {
            id: row.id,
            status: row.status,
            conversion_id: row.conversion_id,
            event_type: row.event_type,
            order_id: row.order_id,
            campaign_id: row.campaign_id,
            brand_id: row.brand_id,
            partner_id: row.partner_id,
            link_code: row.link_code,
            click_id: row.click_id,
            amount: amount.map(|(minor, currency)| Money::new(minor, currency).into()),
            reason: row.reason,
            occurred_at: Micros(row.occurred_at).into(),
            claimed_at: Micros(row.claimed_at).into(),
            decided_at: row.decided_at.map(|at| Micros(at).into()),
        }
    }
}

/// Which claims.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this order.
    #[param(value_type = Option<String>)]
    order_id: Option<OrderId>,
    /// Of which this became.
    #[param(inline, value_type = Option<ClaimStatus>)]
    status: Option<types::ClaimStatus>,
}

/// List claims, newest first
#[utoipa::path(
    get,
    path = "/api/v1/tracking/claims",
    tag = "claims",
    params(PageQuery, Filter),
    responses((status = 200, body = Page<ClaimView>), Problems<Forbidden>),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn list_claims(
    State(host): State<Host>,
    caller: Caller,
    list: List<Filter>,
) -> Result<Page<ClaimView>, Problem> {
    let List { page, filter } = list;
    let filter = ClaimFilter {
        scope: caller.scope()?,
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        order: filter.order_id.as_ref(),
        status: filter.status,
    };
    let rows = claims::list(host.pool(), &filter, page).await.or_unread()?;
    Ok(Page::new(page, rows, |row| row.position, ClaimView::from))
}

/// Get a claim
#[utoipa::path(
    get,
    path = "/api/v1/tracking/claims/{claim_id}",
    tag = "claims",
    params(("claim_id" = String, Path)),
    responses((status = 200, body = ClaimView), Problems),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn get_claim(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<ClaimId>,
) -> Result<Json<ClaimView>, Problem> {
    let row = claims::find(host.pool(), &id).await.or_unread()?;
    let row = row.ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id.as_str()).ok();
    let brand = BrandId::parse(row.brand_id.as_str()).ok();
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    Ok(Json(row.into()))
}

/// What a claim was decided to be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecidedClaim {
    id: String,
    #[schema(value_type = ClaimStatus)]
    status: &'static str,
    /// The conversion that it became.
    conversion_id: Option<String>,
    /// Why it was declined.
    #[schema(value_type = Option<DeclineReason>)]
    reason: Option<String>,
    decided_at: Timestamp,
}

/// Accept a claim
///
/// It becomes a conversion of that partner. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/claims/{claim_id}/accept",
    tag = "claims",
    params(("claim_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<DecidedClaim>, Problems<TrackingRefusals>),
    security(("bearer" = []), ("api_key" = ["claims.write"]))
)]
pub(super) async fn accept_claim(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<ClaimId>,
    write: Write<AcceptClaim>,
) -> Result<Done<DecidedClaim>, Problem> {
    decide(&host, &caller, write, |body| body.command(id)).await
}

/// Decline a claim
///
/// Its partner reads why. For the campaign's brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/claims/{claim_id}/decline",
    tag = "claims",
    params(("claim_id" = String, Path), Repeatable),
    request_body(content = DeclineClaim, example = json!({"reason": "order_unknown"})),
    responses(Done<DecidedClaim>, Problems<TrackingRefusals>),
    security(("bearer" = []), ("api_key" = ["claims.write"]))
)]
pub(super) async fn decline_claim(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<ClaimId>,
    write: Write<DeclineClaim>,
) -> Result<Done<DecidedClaim>, Problem> {
    decide(&host, &caller, write, |body| body.command(id)).await
}

async fn decide<R: Request>(
    host: &Host,
    caller: &Caller,
    write: Write<R>,
    command: impl FnOnce(R) -> Written,
) -> Result<Done<DecidedClaim>, Problem> {
    let command = |_, body: R| command(body);
    let submitted = host.submit_write(write, caller, command).await?;
    Ok(submitted.answer(decided))
}

fn decided(message: &Message) -> Option<DecidedClaim> {
    let (status, conversion_id, reason) = match &message.body {
        Body::ClaimAcceptedV1(body) => {
            let conversion = Some(body.conversion_id.to_string());
            (types::ClaimStatus::Accepted, conversion, None)
        }
        Body::ClaimDeclinedV1(body) => (
            types::ClaimStatus::Declined,
            None,
            Some(body.reason.name().to_owned()),
        ),
        _ => return None,
    };
    Some(DecidedClaim {
        id: message.header.subject.clone(),
        status: status.name(),
        conversion_id,
        reason,
        decided_at: message.header.time.into(),
    })
}
