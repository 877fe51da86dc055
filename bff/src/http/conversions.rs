//! `/api/v1/conversions`: purchases and leads, and whose they are.

use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::{ConversionStatus, ConversionType, OrUnread, UnattributedReason, Verification};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, ConversionId, OrderId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::{amount, moment};
use crate::store::Table;
use crate::store::conversions::{self, ConversionRow};
use crate::store::of_campaigns::To;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(list_conversions))
        .routes(routes!(get_conversion))
}

/// A conversion.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversionView {
    id: String,
    #[schema(value_type = ConversionStatus)]
    status: String,
    #[schema(value_type = Option<ConversionType>)]
    event_type: Option<String>,
    order_id: Option<String>,
    campaign_id: Option<String>,
    /// Whose campaign it is; of what is nobody's, the brand that reported it.
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
    #[schema(example = "USD")]
    currency: Option<String>,
    /// On whose word it is a partner's; absent in what was recorded before claims were.
    #[schema(value_type = Option<Verification>)]
    verified_by: Option<String>,
    /// Why it is nobody's.
    #[schema(value_type = Option<UnattributedReason>)]
    reason: Option<String>,
    /// When, as claimed.
    occurred_at: Timestamp,
    /// When it was attributed, or found to be nobody's.
    recorded_at: Timestamp,
}

impl From<ConversionRow> for ConversionView {
    fn from(row: ConversionRow) -> Self {
        let paid = row.amount_minor.zip(row.currency.as_deref());
        let refunded = paid.map(|(_, currency)| amount(row.refunded_minor, currency));
        Self {
            amount: paid
                .map(|(minor, currency)| amount(minor, currency))
                .or(row.amount_text),
            refunded,
            id: row.id,
            status: row.status,
            event_type: row.event_type,
            order_id: row.order_id,
            campaign_id: row.campaign_id,
            brand_id: row.brand_id.or(row.reporter_brand_id),
            partner_id: row.partner_id,
            link_code: row.link_code,
            click_id: row.click_id,
            terms_version: row.terms_version,
            currency: row.currency,
            verified_by: row.verified_by,
            reason: row.reason,
            occurred_at: moment(row.occurred_at),
            recorded_at: moment(row.recorded_at),
        }
    }
}

/// Which conversions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConversionFilter {
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
    /// That stand so.
    #[param(inline, value_type = Option<ConversionStatus>)]
    status: Option<types::ConversionStatus>,
}

/// Conversions, newest first: a partner's or a brand's own, an operator's all. What is nobody's is shown to operators, and to the brand
/// that reported it.
#[utoipa::path(
    get, path = "/api/v1/conversions", tag = "conversions", params(PageQuery, ConversionFilter),
    responses((status = 200, body = Page<ConversionView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_conversions(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<ConversionFilter>,
) -> Result<Page<ConversionView>, Problem> {
    let filter = &list.filter;
    let of = To {
        brand: filter.brand_id.as_ref(),
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
    };
    let (scope, order) = (caller.scope()?, filter.order_id.as_ref());
    let rows = conversions::list(bff.host.pool(), scope, of, order, filter.status, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, ConversionView::from);
    Ok(page)
}

/// One conversion.
#[utoipa::path(
    get, path = "/api/v1/conversions/{id}", tag = "conversions", params(("id" = String, Path)),
    responses((status = 200, body = ConversionView), Problems), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_conversion(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<ConversionId>,
) -> Result<Json<ConversionView>, Problem> {
    let row = ConversionRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = row.partner_id.as_deref().map(PartnerId::parse);
    let brand = row.brand_id().map(BrandId::parse);
    let (partner, brand) = (partner.and_then(Result::ok), brand.and_then(Result::ok));
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    Ok(Json(row.into()))
}
