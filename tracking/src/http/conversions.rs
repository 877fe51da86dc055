//! `/api/v1/tracking/conversions`

use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::{ConversionStatus, ConversionType, Host, OrUnread, UnattributedReason, Verification};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, Currency, Micros, Money, OrderId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::store::conversions::{self, ConversionFilter, ConversionRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_conversions))
        .routes(routes!(get_conversion))
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Paid {
    /// Decimal, with the currency's digits.
    #[schema(example = "100.00")]
    amount: String,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    currency: String,
}

impl From<Money> for Paid {
    fn from(money: Money) -> Self {
        Self {
            amount: money.to_string(),
            currency: money.currency.to_string(),
        }
    }
}

/// A conversion.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConversionItem {
    id: Uuid,
    #[schema(value_type = ConversionStatus)]
    standing: String,
    #[schema(value_type = Option<ConversionType>)]
    event_type: Option<String>,
    order_id: Option<String>,
    campaign_id: Option<String>,
    brand_id: Option<String>,
    partner_id: Option<String>,
    link_code: Option<String>,
    click_id: Option<String>,
    /// The version of the terms that counts.
    terms_version: Option<i32>,
    /// What was paid, decimal with the currency's digits where that is known.
    #[schema(example = "100.00")]
    amount: Option<String>,
    /// What went back of it.
    #[schema(example = "0.00")]
    refunded: Option<String>,
    /// ISO 4217 code.
    currency: Option<String>,
    /// On whose word it is a partner's; absent in what was recorded before claims were.
    #[schema(value_type = Option<Verification>)]
    verified_by: Option<String>,
    /// Why it is nobody's.
    #[schema(value_type = Option<UnattributedReason>)]
    reason: Option<String>,
    /// When, as claimed.
    occurred_at: Option<Timestamp>,
    /// When it was attributed, or found to be nobody's.
    recorded_at: Timestamp,
}

impl From<ConversionRow> for ConversionItem {
    fn from(row: ConversionRow) -> Self {
        let currency = row
            .currency
            .as_deref()
            .and_then(|code| Currency::parse(code).ok());
        let decimal = |minor| currency.map(|currency| Money::new(minor, currency).to_string());
        let amount = row.amount_minor.and_then(decimal);
        Self {
            refunded: amount
                .is_some()
                .then(|| decimal(row.refunded_minor))
                .flatten(),
            amount: amount.or(row.amount_text),
            id: row.id,
            standing: row.standing,
            event_type: row.event_type,
            order_id: row.order_id,
            campaign_id: row.campaign_id,
            brand_id: row.brand_id,
            partner_id: row.partner_id,
            link_code: row.link_code,
            click_id: row.click_id,
            terms_version: row.terms_version,
            currency: row.currency,
            verified_by: row.verified_by,
            reason: row.reason,
            occurred_at: row.occurred_at.map(|at| Micros(at).into()),
            recorded_at: Micros(row.recorded_at).into(),
        }
    }
}

/// Which conversions.
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
    /// Of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// Of this order.
    #[param(value_type = Option<String>)]
    order_id: Option<OrderId>,
    /// That stand like this.
    #[param(inline, value_type = Option<ConversionStatus>)]
    standing: Option<types::ConversionStatus>,
}

/// List conversions, newest first
#[utoipa::path(
    get,
    path = "/api/v1/tracking/conversions",
    tag = "conversions",
    params(PageQuery, Filter),
    responses((status = 200, body = Page<ConversionItem>), Problems<Forbidden>),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn list_conversions(
    State(host): State<Host>,
    caller: Caller,
    list: List<Filter>,
) -> Result<Page<ConversionItem>, Problem> {
    let List { page, filter } = list;
    let filter = ConversionFilter {
        scope: caller.scope()?,
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        brand: filter.brand_id.as_ref(),
        order: filter.order_id.as_ref(),
        standing: filter.standing,
    };
    let rows = conversions::list(host.pool(), &filter, page)
        .await
        .or_unread()?;
    Ok(Page::new(
        page,
        rows,
        |row| row.position,
        ConversionItem::from,
    ))
}

/// Get a conversion, by its own id or another that its order was reported under
#[utoipa::path(
    get,
    path = "/api/v1/tracking/conversions/{id}",
    tag = "conversions",
    params(("id" = Uuid, Path, description = "The conversion")),
    responses((status = 200, body = ConversionItem), Problems),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn get_conversion(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ConversionItem>, Problem> {
    let row = conversions::find(host.pool(), id).await.or_unread()?;
    let row = row.ok_or_else(Problem::not_found)?;
    let partner = row.partner_id.clone().map(PartnerId::parse).transpose();
    let brand = row.brand_id.clone().map(BrandId::parse).transpose();
    let (partner, brand) = (partner.ok().flatten(), brand.ok().flatten());
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    Ok(Json(row.into()))
}
