//! Bans: `/api/v1/partners/{partner_id}/ban`, `…/unban` and `/api/v1/bans`.

use api::lists::{PartnerStatus, RefusalReason};
use api::{BanFilter, BanPartner, UnbanPartner};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, OrUnread};
use serde::Serialize;
use types::PartnerId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::bans::{self, BanRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(ban_partner))
        .routes(routes!(unban_partner))
        .routes(routes!(list_bans))
}

/// Asks that a partner is in no campaign of the brand: its links there lead to the fallback page, and no click counts. What was
/// earned stays, and purchases by earlier clicks still count. An operator may ask it of all campaigns.
#[utoipa::path(
    post, path = "/api/v1/partners/{partner_id}/ban", tag = "partners", params(("partner_id" = String, Path), Repeatable, Waits),
    request_body(content = BanPartner, example = json!({"reason": "terms_violated"})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["partners.write"]))
)]
pub(crate) async fn ban_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<BanPartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand_or_all(body.brand_id())?;
    bff.submit(command_request, body.command(partner, brand))
        .await
}

/// Asks that a ban ends: the partner stands with each campaign where it stood.
#[utoipa::path(
    post, path = "/api/v1/partners/{partner_id}/unban", tag = "partners", params(("partner_id" = String, Path), Repeatable, Waits),
    request_body(content = UnbanPartner, example = json!({})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []), ("api_key" = ["partners.write"]))
)]
pub(crate) async fn unban_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<UnbanPartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand_or_all(body.brand_id())?;
    bff.submit(command_request, body.command(partner, brand))
        .await
}

/// What a brand, or an operator, holds of a partner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BanView {
    #[schema(example = "ban_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    partner_id: String,
    /// Whose campaigns; `null`: everybody's.
    brand_id: Option<String>,
    #[schema(value_type = PartnerStatus)]
    status: String,
    /// Why, while it is banned.
    #[schema(value_type = Option<RefusalReason>)]
    reason: Option<String>,
    /// Since when it is so.
    since: Timestamp,
}

impl From<BanRow> for BanView {
    fn from(row: BanRow) -> Self {
        Self {
            id: row.id,
            partner_id: row.partner_id,
            brand_id: row.brand_id,
            status: row.status,
            reason: row.reason,
            since: moment(row.since),
        }
    }
}

/// Bans, also ended ones, newest first: a partner's those of itself, a brand's its own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/bans", tag = "partners", params(PageQuery, BanFilter),
    responses((status = 200, body = Page<BanView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_bans(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<BanFilter>,
) -> Result<Page<BanView>, Problem> {
    let rows = bans::list(bff.host.pool(), caller.scope()?, &list.filter, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, BanView::from);
    Ok(page)
}
