//! `/api/v1/payouts`.

use api::PaymentMethod;
use api::lists::PayoutStatus;
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::OrUnread;
use serde::{Deserialize, Serialize};
use types::{PartnerId, PayoutId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::{amount, moment};
use crate::store::Table;
use crate::store::payouts::{self, PayoutRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(list_payouts))
        .routes(routes!(get_payout))
}

/// A payout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayoutView {
    id: String,
    partner_id: String,
    /// Decimal text with the currency's digits.
    #[schema(example = "150.00")]
    amount: String,
    #[schema(example = "USD")]
    currency: String,
    #[schema(value_type = PaymentMethod)]
    payment_method: String,
    /// Where to, masked.
    #[schema(example = "u***@example.com")]
    destination: String,
    #[schema(value_type = PayoutStatus)]
    status: String,
    /// The provider's own reference.
    provider_ref: Option<String>,
    /// Why it failed or is unknown.
    reason: Option<String>,
    requested_at: Timestamp,
    updated_at: Timestamp,
}

impl From<PayoutRow> for PayoutView {
    fn from(row: PayoutRow) -> Self {
        Self {
            amount: amount(row.amount_minor, &row.currency),
            id: row.id,
            partner_id: row.partner_id,
            currency: row.currency,
            payment_method: row.method,
            destination: row.masked,
            status: row.status,
            provider_ref: row.provider_ref,
            reason: row.reason,
            requested_at: moment(row.requested_at),
            updated_at: moment(row.updated_at),
        }
    }
}

/// Which payouts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PayoutFilter {
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// That stand so.
    #[param(inline, value_type = Option<PayoutStatus>)]
    status: Option<types::PayoutStatus>,
}

/// Payouts, newest first: a partner's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/payouts", tag = "payments", params(PageQuery, PayoutFilter),
    responses((status = 200, body = Page<PayoutView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_payouts(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<PayoutFilter>,
) -> Result<Page<PayoutView>, Problem> {
    let partner = caller.narrowed_to_partner(list.filter.partner_id.as_ref())?;
    let (partner, status) = (
        partner.map(PartnerId::as_str),
        list.filter.status.map(types::PayoutStatus::name),
    );
    let rows = payouts::list(bff.host.pool(), partner, status, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, PayoutView::from);
    Ok(page)
}

/// One payout.
#[utoipa::path(
    get, path = "/api/v1/payouts/{id}", tag = "payments", params(("id" = String, Path)),
    responses((status = 200, body = PayoutView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_payout(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<PayoutId>,
) -> Result<Json<PayoutView>, Problem> {
    let row = PayoutRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id.as_str()).ok();
    caller.require_owner(partner.as_ref(), None)?;
    Ok(Json(row.into()))
}
