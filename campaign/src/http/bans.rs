//! Bans: `/api/v1/campaign/partners/{partner_id}/ban`, `…/unban`, `/api/v1/campaign/bans`.

use api::lists::{PartnerStatus, RefusalReason};
use api::{BanFilter, BanPartner, UnbanPartner};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, Done, Host, OrUnread};
use schemas::{Body, Message};
use serde::Serialize;
use types::{BrandId, Micros, PartnerId, PartnerStatus as Status};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::bans::{self, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(ban_partner))
        .routes(routes!(unban_partner))
        .routes(routes!(list_bans))
}

/// What a brand, or an operator, holds of a partner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BanView {
    #[schema(example = "ban_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    ban_id: String,
    /// Who.
    #[schema(example = "partner123")]
    partner_id: String,
    /// Whose campaigns; `null`: everybody's.
    #[schema(example = "brand1")]
    brand_id: Option<String>,
    #[schema(value_type = PartnerStatus)]
    status: String,
    /// Why, while it is banned.
    #[schema(value_type = Option<RefusalReason>)]
    reason: Option<String>,
    /// Since when.
    since: Timestamp,
}

impl BanView {
    fn of(first: &Message) -> Option<Self> {
        let (brand, status, reason) = match &first.body {
            Body::PartnerBannedV1(it) => (&it.brand_id, Status::Banned, Some(it.reason)),
            Body::PartnerUnbannedV1(it) => (&it.brand_id, Status::Active, None),
            _ => return None,
        };
        Some(Self {
            ban_id: first.header.subject.clone(),
            partner_id: first.header.key.clone(),
            brand_id: brand.as_ref().map(ToString::to_string),
            status: status.name().to_owned(),
            reason: reason.map(|reason| reason.name().to_owned()),
            since: Timestamp(first.header.time),
        })
    }
}

impl From<Row> for BanView {
    fn from(row: Row) -> Self {
        Self {
            ban_id: row.id,
            partner_id: row.partner_id,
            brand_id: row.brand_id,
            status: row.status,
            reason: row.reason,
            since: Timestamp(Micros(row.since)),
        }
    }
}

/// Whose campaigns a ban is of: those of the brand that is named, of the caller's own, or, of an operator, everybody's.
fn whose(caller: &Caller, named: Option<&BrandId>) -> Result<Option<BrandId>, Problem> {
    match named {
        Some(brand) => Ok(Some(brand.clone())),
        None if caller.is_operator() => Ok(None),
        None => caller.require_brand().map(|brand| Some(brand.clone())),
    }
}

/// Bans a partner: it may be in no campaign of the brand, and its links there lead to the fallback page within a second. What was
/// earned stays, and purchases by earlier clicks still count. For brands; for operators also everywhere.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/partners/{partner_id}/ban",
    tag = "partners",
    params(("partner_id" = String, Path), Repeatable),
    request_body(content = BanPartner, example = json!({"reason": "terms_violated"})),
    responses(Done<BanView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn ban_partner(
    State(host): State<Host>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<BanPartner>,
) -> Result<Done<BanView>, Problem> {
    let brand = whose(&caller, write.body.brand_id())?;
    let command = |_, body: BanPartner| body.command(partner, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(BanView::of))
}

/// Ends a ban: the partner stands with each campaign where it stood. For the brand whose ban it is; for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/partners/{partner_id}/unban",
    tag = "partners",
    params(("partner_id" = String, Path), Repeatable),
    request_body(content = UnbanPartner, example = json!({})),
    responses(Done<BanView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn unban_partner(
    State(host): State<Host>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<UnbanPartner>,
) -> Result<Done<BanView>, Problem> {
    let brand = whose(&caller, write.body.brand_id())?;
    let command = |_, body: UnbanPartner| body.command(partner, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(BanView::of))
}

/// Bans, also ended ones, newest first: a partner's those of itself, a brand's its own.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/bans",
    tag = "partners",
    params(PageQuery, BanFilter),
    responses((status = 200, body = Page<BanView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_bans(
    State(host): State<Host>,
    caller: Caller,
    list: List<BanFilter>,
) -> Result<Page<BanView>, Problem> {
    let rows = bans::list(host.pool(), caller.scope()?, &list.filter, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, BanView::from);
    Ok(page)
}
