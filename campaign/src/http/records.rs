//! Partners and brands themselves: `/api/v1/campaign/partners`, `/api/v1/campaign/brands`.

use api::lists::PartnerStatus;
use api::{ChangeBrand, ChangePartner, ErasePartner, PartnerFilter};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, NoFilter, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::brands::{self, BrandRow};
use runtime::partners::{self, SeenPartner};
use runtime::{CampaignRefusals, Done, Host, OrUnread};
use sealing::personal::PersonalKeys;
use serde::Serialize;
use types::{BrandId, Micros, PartnerId, PartnerStatus as Status};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_partners))
        .routes(routes!(get_partner, change_partner))
        .routes(routes!(erase_partner))
        .routes(routes!(list_brands))
        .routes(routes!(get_brand, change_brand))
}

/// A partner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartnerView {
    #[schema(example = "partner123")]
    partner_id: String,
    /// What people call it.
    #[schema(example = "Sole Reviews")]
    name: Option<String>,
    /// Where it is at home, by ISO 3166-1.
    #[schema(example = "DE")]
    country: Option<String>,
    /// ISO 4217 code of what it wants to be paid in: for itself and operators to see.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// Where it is found.
    #[schema(example = "https://sole.example/")]
    website: Option<String>,
    /// Whether an operator, or the brand that asks, has banned it.
    #[schema(value_type = PartnerStatus)]
    status: &'static str,
    /// In which group of the brand that asks; `null` for anybody else, unless an operator names the brand.
    #[schema(example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    group_id: Option<String>,
    /// When it was seen first; `null` of one that has done nothing yet.
    first_seen_at: Option<Timestamp>,
    /// When it was changed last.
    changed_at: Option<Timestamp>,
}

/// A brand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BrandView {
    #[schema(example = "brand1")]
    brand_id: String,
    /// What people call it.
    #[schema(example = "Fleet Shoes")]
    name: Option<String>,
    /// ISO 4217 code of what it keeps its money in: for itself and operators to see.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// When it was seen first; `null` of one that has done nothing yet.
    first_seen_at: Option<Timestamp>,
    /// When it was changed last.
    changed_at: Option<Timestamp>,
}

impl PartnerView {
    /// As this caller may see it.
    fn seen_by(
        (caller, brand): (&Caller, Option<&BrandId>),
        seen: SeenPartner,
        keys: &PersonalKeys,
    ) -> Self {
        let (status, group_id) = (seen.status().name(), brand.map(|brand| seen.group(brand)));
        let row = seen.partner;
        let owns =
            caller.is_operator() || caller.partner().is_some_and(|own| own.as_str() == row.id);
        Self {
            name: row.name(keys),
            website: row.website(keys),
            country: row.country,
            currency: row.currency.filter(|_| owns),
            status,
            group_id,
            first_seen_at: Some(Timestamp(Micros(row.seen_at))),
            changed_at: row.changed_at.map(|at| Timestamp(Micros(at))),
            partner_id: row.id,
        }
    }

    /// One that has done nothing yet.
    fn new(id: &PartnerId) -> Self {
        Self {
            partner_id: id.to_string(),
            name: None,
            country: None,
            currency: None,
            website: None,
            status: Status::Active.name(),
            group_id: None,
            first_seen_at: None,
            changed_at: None,
        }
    }
}

impl BrandView {
    /// As this caller may see it.
    fn seen_by(caller: &Caller, row: BrandRow) -> Self {
        let owns = caller.is_operator() || caller.brand().is_some_and(|own| own.as_str() == row.id);
        Self {
            name: row.name(),
            currency: row.currency.filter(|_| owns),
            first_seen_at: Some(Timestamp(Micros(row.seen_at))),
            changed_at: row.changed_at.map(|at| Timestamp(Micros(at))),
            brand_id: row.id,
        }
    }

    /// One that has done nothing yet.
    fn new(id: &BrandId) -> Self {
        Self {
            brand_id: id.to_string(),
            name: None,
            currency: None,
            first_seen_at: None,
            changed_at: None,
        }
    }
}

/// What was changed, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordChangedView {
    /// The partner's or the brand's id.
    #[schema(example = "partner123")]
    id: String,
    changed_at: Timestamp,
}

/// Partners, the latest that were seen first before the others: for a partner itself, for a brand those that are or were in its
/// campaigns or wait for it.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/partners",
    tag = "partners",
    params(PageQuery, PartnerFilter),
    responses((status = 200, body = Page<PartnerView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn list_partners(
    State(host): State<Host>,
    caller: Caller,
    mut list: List<PartnerFilter>,
) -> Result<Page<PartnerView>, Problem> {
    let scope = caller.scope()?;
    if let Some(brand) = &list.filter.brand_id {
        caller.require_owner(None, Some(brand))?;
    }
    partners::name_brand(host.pool(), scope, &mut list.filter)
        .await
        .or_unread()?;
    let rows = partners::list(host.pool(), scope, &list.filter, list.page)
        .await
        .or_unread()?;
    let brand = list.filter.brand_id.as_ref().or(caller.brand());
    let keys = host
        .personal_keys(rows.iter().flat_map(SeenPartner::sealed))
        .await?;
    let view = |row| PartnerView::seen_by((&caller, brand), row, &keys);
    Ok(Page::new(list.page, rows, |row| row.partner.position, view))
}

/// One partner. One's own is there before it has done anything.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/partners/{partner_id}",
    tag = "partners",
    params(("partner_id" = String, Path)),
    responses((status = 200, body = PartnerView), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn get_partner(
    State(host): State<Host>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
) -> Result<Json<PartnerView>, Problem> {
    let row = partners::find(host.pool(), caller.scope()?, &partner)
        .await
        .or_unread()?;
    let keys = host
        .personal_keys(row.iter().flat_map(SeenPartner::sealed))
        .await?;
    match row {
        Some(row) => {
            let seer = (&caller, caller.brand());
            Ok(Json(PartnerView::seen_by(seer, row, &keys)))
        }
        None if caller.partner() == Some(&partner) => Ok(Json(PartnerView::new(&partner))),
        None => Err(Problem::not_found()),
    }
}

/// Changes what is known of a partner. For itself, and for operators.
#[utoipa::path(
    patch,
    path = "/api/v1/campaign/partners/{partner_id}",
    tag = "partners",
    params(("partner_id" = String, Path), Repeatable),
    request_body(content = ChangePartner, example = json!({"name": "Sole Reviews", "country": "DE", "clear": ["website"]})),
    responses(Done<RecordChangedView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn change_partner(
    State(host): State<Host>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<ChangePartner>,
) -> Result<Done<RecordChangedView>, Problem> {
    let key = host
        .personal_key(&caller, &partner, write.body.is_personal())
        .await?;
    let command = |_, body: ChangePartner| body.command(partner, &key);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| RecordChangedView {
        id: first.header.subject.clone(),
        changed_at: Timestamp(first.header.time),
    }))
}

/// Erases what is known of a partner: name, country, currency and website, the addresses of what it showed, and what was noted beside. Its
/// id, what it did and what it earned stay. Who is unknown is erased, too. For operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/partners/{partner_id}/erase",
    tag = "partners",
    params(("partner_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<RecordChangedView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn erase_partner(
    State(host): State<Host>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<ErasePartner>,
) -> Result<Done<RecordChangedView>, Problem> {
    caller.require_operator()?;
    let command = |_, body: ErasePartner| body.command(partner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| RecordChangedView {
        id: first.header.subject.clone(),
        changed_at: Timestamp(first.header.time),
    }))
}

/// Brands, the latest that were seen first before the others: for a brand itself, for a partner those whose campaigns it may find.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/brands",
    tag = "brands",
    params(PageQuery),
    responses((status = 200, body = Page<BrandView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_brands(
    State(host): State<Host>,
    caller: Caller,
    list: List<NoFilter>,
) -> Result<Page<BrandView>, Problem> {
    let rows = brands::list(host.pool(), caller.scope()?, list.page)
        .await
        .or_unread()?;
    let view = |row| BrandView::seen_by(&caller, row);
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

/// One brand. One's own is there before it has done anything.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/brands/{brand_id}",
    tag = "brands",
    params(("brand_id" = String, Path)),
    responses((status = 200, body = BrandView), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn get_brand(
    State(host): State<Host>,
    caller: Caller,
    Path(brand): Path<BrandId>,
) -> Result<Json<BrandView>, Problem> {
    let row = brands::find(host.pool(), caller.scope()?, &brand)
        .await
        .or_unread()?;
    match row {
        Some(row) => Ok(Json(BrandView::seen_by(&caller, row))),
        None if caller.brand() == Some(&brand) => Ok(Json(BrandView::new(&brand))),
        None => Err(Problem::not_found()),
    }
}

/// Changes what is known of a brand. For itself, and for operators.
#[utoipa::path(
    patch,
    path = "/api/v1/campaign/brands/{brand_id}",
    tag = "brands",
    params(("brand_id" = String, Path), Repeatable),
    request_body(content = ChangeBrand, example = json!({"name": "Fleet Shoes", "currency": "EUR"})),
    responses(Done<RecordChangedView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn change_brand(
    State(host): State<Host>,
    caller: Caller,
    Path(brand): Path<BrandId>,
    write: Write<ChangeBrand>,
) -> Result<Done<RecordChangedView>, Problem> {
    let command = |_, body: ChangeBrand| body.command(brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| RecordChangedView {
        id: first.header.subject.clone(),
        changed_at: Timestamp(first.header.time),
    }))
}
