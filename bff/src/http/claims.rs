//! `/api/v1/claims`: what partners say that they earned, and what becomes of it.

use api::lists::DeclineReason;
use api::{AcceptClaim, DeclineClaim};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::{Caller, Role};
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{ClaimStatus, ConversionType, OrUnread, TrackingRefusals};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, ClaimId, OrderId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::{amount, moment};
use super::submit::{Answers, CommandRequest};
use crate::store::Table;
use crate::store::claims::{self, ClaimRow};
use crate::store::of_campaigns::To;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(list_claims))
        .routes(routes!(get_claim))
        .routes(routes!(accept_claim))
        .routes(routes!(decline_claim))
}

/// What a partner claims.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimView {
    id: String,
    #[schema(value_type = ClaimStatus)]
    status: String,
    /// The conversion of its order, once there is one.
    conversion_id: Option<String>,
    campaign_id: String,
    partner_id: String,
    brand_id: String,
    #[schema(value_type = ConversionType)]
    event_type: String,
    order_id: Option<String>,
    link_code: String,
    click_id: String,
    /// What was paid, as the partner says: decimal text with the currency's digits.
    #[schema(example = "150.00")]
    amount: Option<String>,
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Why it was declined.
    #[schema(value_type = Option<DeclineReason>)]
    reason: Option<String>,
    /// When, as claimed.
    occurred_at: Timestamp,
    claimed_at: Timestamp,
    /// When it was decided or settled.
    decided_at: Option<Timestamp>,
}

impl From<ClaimRow> for ClaimView {
    fn from(row: ClaimRow) -> Self {
        let shown = row.amount_minor.zip(row.currency.as_deref());
        Self {
            amount: shown.map(|(minor, currency)| amount(minor, currency)),
            id: row.id,
            status: row.status,
            conversion_id: row.conversion_id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            brand_id: row.brand_id,
            event_type: row.event_type,
            order_id: row.order_id,
            link_code: row.link_code,
            click_id: row.click_id,
            currency: row.currency,
            reason: row.reason,
            occurred_at: moment(row.occurred_at),
            claimed_at: moment(row.claimed_at),
            decided_at: row.decided_at.map(moment),
        }
    }
}

/// Which claims.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClaimFilter {
    /// In this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// Of this order.
    #[param(value_type = Option<String>)]
    order_id: Option<OrderId>,
    /// Of which this became.
    #[param(inline, value_type = Option<ClaimStatus>)]
    status: Option<types::ClaimStatus>,
}

/// Claims, newest first: a partner's or a brand's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/claims", tag = "claims", params(PageQuery, ClaimFilter),
    responses((status = 200, body = Page<ClaimView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_claims(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<ClaimFilter>,
) -> Result<Page<ClaimView>, Problem> {
    let filter = &list.filter;
    let of = To {
        brand: filter.brand_id.as_ref(),
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
    };
    let (scope, order) = (caller.scope()?, filter.order_id.as_ref());
    let rows = claims::list(bff.host.pool(), scope, of, order, filter.status, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, ClaimView::from);
    Ok(page)
}

/// One claim.
#[utoipa::path(
    get, path = "/api/v1/claims/{id}", tag = "claims", params(("id" = String, Path)),
    responses((status = 200, body = ClaimView), Problems), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_claim(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<ClaimId>,
) -> Result<Json<ClaimView>, Problem> {
    let row = ClaimRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id.as_str()).ok();
    let brand = BrandId::parse(row.brand_id.as_str()).ok();
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    Ok(Json(row.into()))
}

/// Asks that a claim becomes a conversion of its partner. For the campaign's brand, and for operators.
#[utoipa::path(
    post, path = "/api/v1/claims/{id}/accept", tag = "claims", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []), ("api_key" = ["claims.write"]))
)]
pub(crate) async fn accept_claim(
    State(bff): State<Bff>,
    caller: Caller,
    Path(claim): Path<ClaimId>,
    write: Write<AcceptClaim>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(claim)).await
}

/// Asks that a claim is declined; its partner reads why. For the campaign's brand, and for operators.
#[utoipa::path(
    post, path = "/api/v1/claims/{id}/decline", tag = "claims", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = DeclineClaim, example = json!({"reason": "order_unknown"})),
    responses(Answers<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []), ("api_key" = ["claims.write"]))
)]
pub(crate) async fn decline_claim(
    State(bff): State<Bff>,
    caller: Caller,
    Path(claim): Path<ClaimId>,
    write: Write<DeclineClaim>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(claim)).await
}
