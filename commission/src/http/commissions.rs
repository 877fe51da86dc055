//! `GET /api/v1/commission/commissions` and one of them.

use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use runtime::{Host, OrUnread};
use serde::Deserialize;
use types::{CampaignId, ConversionId, ConversionType, PartnerId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::{CommissionDetail, CommissionItem};
use crate::store::{self, Filter};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_commissions))
        .routes(routes!(get_commission))
}

/// Which commissions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CommissionFilter {
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// In this status.
    #[param(inline, value_type = Option<CommissionStatus>)]
    status: Option<types::CommissionStatus>,
    /// For this.
    #[param(inline, value_type = Option<EventTypeName>)]
    event_type: Option<ConversionType>,
}

chassis::closed_lists! {
    /// Where a commission stands.
    pub(super) CommissionStatus of types::CommissionStatus;
    /// What is paid for.
    EventTypeName of ConversionType;
}

/// Commissions that the caller may see, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/commission/commissions",
    tag = "commissions",
    params(PageQuery, CommissionFilter),
    responses((status = 200, body = Page<CommissionItem>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_commissions(
    State(host): State<Host>,
    caller: Caller,
    List { page, filter }: List<CommissionFilter>,
) -> Result<Page<CommissionItem>, Problem> {
    let filter = Filter {
        scope: caller.scope()?,
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        status: filter.status,
        event_type: filter.event_type,
    };
    let rows = store::list(host.pool(), filter, page).await.or_unread()?;
    let items = Page::new(page, rows, |row| row.position, CommissionItem::from);
    Ok(items)
}

/// One commission, with all that its amount was made of.
#[utoipa::path(
    get,
    path = "/api/v1/commission/commissions/{id}",
    tag = "commissions",
    params(("id" = String, Path, description = "The conversion's id")),
    responses((status = 200, body = CommissionDetail), Problems),
    security(("bearer" = []))
)]
pub(super) async fn get_commission(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<ConversionId>,
) -> Result<Json<CommissionDetail>, Problem> {
    let row = store::find(host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id.as_str()).ok();
    let brand = types::BrandId::parse(row.brand_id.as_str()).ok();
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    let reversals = store::of_commission(host.pool(), id.as_str())
        .await
        .or_unread()?;
    Ok(Json(CommissionDetail::new(row, reversals)))
}
