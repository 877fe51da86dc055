//! `/api/v1/commissions`.

use axum::extract::State;
use chassis::auth::{Caller, Scope};
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::{ConversionType, OrUnread};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, ConversionId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::{amount, moment};
use crate::store::Table;
use crate::store::commissions::{self, CommissionRow};
use crate::store::of_campaigns::To;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(list_commissions))
        .routes(routes!(get_commission))
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AmountView {
    /// Decimal text with the currency's digits.
    #[schema(example = "100.00")]
    amount: String,
    #[schema(example = "USD")]
    currency: String,
}

/// What a conversion earned.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommissionView {
    /// The conversion's.
    id: String,
    campaign_id: String,
    partner_id: String,
    brand_id: String,
    #[schema(value_type = ConversionType)]
    event_type: String,
    /// `reversed` is all of it.
    #[schema(value_type = CommissionStatus)]
    status: String,
    /// Why it is suspended: nothing is earned, and no command changes that. What is agreed for it is reported as another order, or paid otherwise.
    suspense: Option<String>,
    /// What was earned; decimal text with the currency's digits, as the two after it.
    #[schema(example = "10.00")]
    amount: String,
    /// What refunds took back of it.
    #[schema(example = "0.00")]
    reversed: String,
    /// What is left of it.
    #[schema(example = "10.00")]
    net: String,
    #[schema(example = "USD")]
    currency: String,
    calculation: CalculationView,
    calculated_at: Timestamp,
    /// When its hold ends or ended; `null` when it was never held.
    hold_until: Option<Timestamp>,
    /// Since when it is earned for good.
    approved_at: Option<Timestamp>,
}

/// What the amount was made of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalculationView {
    /// What the conversion was worth.
    base: Option<AmountView>,
    /// Hundredths of a percent of the base.
    rate_bps: Option<i32>,
    /// What the plan always pays.
    flat: Option<AmountView>,
    /// The version of the campaign's plan that the partner had accepted.
    plan_version: i32,
}

impl From<CommissionRow> for CommissionView {
    fn from(row: CommissionRow) -> Self {
        let shown = |minor: i64| amount(minor, &row.currency);
        Self {
            amount: shown(row.amount_minor),
            reversed: shown(row.reversed_minor),
            net: shown(row.amount_minor.saturating_sub(row.reversed_minor)),
            calculation: CalculationView {
                base: of_currency(row.base_minor, row.base_currency),
                rate_bps: row.rate_bps,
                flat: of_currency(row.flat_minor, row.flat_currency),
                plan_version: row.plan_version,
            },
            id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            brand_id: row.brand_id,
            event_type: row.event_type,
            status: row.status,
            suspense: row.suspense,
            currency: row.currency,
            calculated_at: moment(row.calculated_at),
            hold_until: row.hold_until.map(moment),
            approved_at: row.approved_at.map(moment),
        }
    }
}

fn of_currency(minor: Option<i64>, currency: Option<String>) -> Option<AmountView> {
    let (minor, currency) = (minor?, currency?);
    Some(AmountView {
        amount: amount(minor, &currency),
        currency,
    })
}

chassis::closed_lists! {
    /// How far a commission is.
    pub(crate) CommissionStatus of types::CommissionStatus;
}

/// Which commissions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommissionFilter {
    /// Earned by this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Paid by this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// That stand so.
    #[param(inline, value_type = Option<CommissionStatus>)]
    status: Option<types::CommissionStatus>,
}

/// Commissions, newest first: a partner's own, those of a brand's campaigns, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/commissions", tag = "commissions", params(PageQuery, CommissionFilter),
    responses((status = 200, body = Page<CommissionView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_commissions(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<CommissionFilter>,
) -> Result<Page<CommissionView>, Problem> {
    let filter = &list.filter;
    let of = To {
        brand: filter.brand_id.as_ref(),
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
    };
    let (scope, status) = (
        seen(&caller, of)?,
        filter.status.map(types::CommissionStatus::name),
    );
    let rows = commissions::list(bff.host.pool(), scope, of, status, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, CommissionView::from);
    Ok(page)
}

/// What the caller may see. Whoever is a partner alone or a brand alone, and names another, gets 404, as if there were none.
fn seen<'a>(caller: &'a Caller, of: To<'_>) -> Result<Scope<'a>, Problem> {
    let scope = caller.scope()?;
    let is_anothers = match (scope.partner, scope.brand) {
        _ if scope.all => false,
        (Some(own), None) => of.partner.is_some_and(|named| named != own),
        (None, Some(own)) => of.brand.is_some_and(|named| named != own),
        _ => false,
    };
    if is_anothers {
        return Err(Problem::not_found());
    }
    Ok(scope)
}

/// One commission.
#[utoipa::path(
    get, path = "/api/v1/commissions/{id}", tag = "commissions", params(("id" = String, Path)),
    responses((status = 200, body = CommissionView), Problems), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_commission(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<ConversionId>,
) -> Result<Json<CommissionView>, Problem> {
    let row = CommissionRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id.as_str()).ok();
    let brand = BrandId::parse(row.brand_id.as_str()).ok();
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    Ok(Json(row.into()))
}
