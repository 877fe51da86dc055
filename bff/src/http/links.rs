//! `/api/v1/links`.

use api::lists::LinkStatus;
use api::{ChangeLink, CreateLink, CreateLinks, LinkUtm, link_at};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chassis::auth::{Caller, Role};
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{DisabledBy, OrUnread, TrackingRefusals};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, LinkCode, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{AcceptedItems, Answers, CommandRequest};
use crate::qr_code;
use crate::store::links::{self, LinkRow};
use crate::store::of_campaigns::To;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(create_link, list_links))
        .routes(routes!(create_links))
        .routes(routes!(get_link, change_link))
        .routes(routes!(link_qr_code))
}

/// Makes a link.
#[utoipa::path(
    post, path = "/api/v1/links", tag = "tracking", params(Repeatable, Waits),
    request_body(content = CreateLink,
        example = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-sale"})),
    responses(Answers<(Forbidden, NotFound, TrackingRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn create_link(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<CreateLink>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let partner = command_request.partner(body.partner_id())?;
    let command = body.command(command_request.id, partner);
    bff.submit(command_request, command).await
}

/// Makes up to 100 links. What is wrong with the form of one is wrong with the request, and nothing is done; what the campaign or its
/// partner lack is the outcome of each command. A request that is repeated with its `Idempotency-Key` makes each link once.
/// Each counts as a request.
#[utoipa::path(
    post, path = "/api/v1/links:batch", tag = "tracking", params(Repeatable),
    request_body(content = CreateLinks,
        example = json!({"links": [{"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-shoes"},
                                   {"campaign_id": "camp123", "target_url": "https://shop.example.com/hats", "code": "spring-hats"}]})),
    responses(
        (status = 202, body = AcceptedItems),
        Problems<(Forbidden, NotFound)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_links(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<CreateLinks>,
) -> Result<Response, Problem> {
    let mut commands = Vec::new();
    for (place, write) in write
        .split(CreateLinks::into_links)?
        .into_iter()
        .enumerate()
    {
        let (body, command_request) = CommandRequest::part(write, caller.clone());
        let partner = command_request.partner(body.partner_id());
        let partner = partner.map_err(|problem| problem.below(&link_at(place)))?;
        let command = body.command(command_request.id, partner);
        commands.push((command_request, command));
    }
    bff.submit_all(commands).await
}

/// Asks that a link changes. Where it leads is for its partner to say. Whether it does, for its partner and the campaign's brand: what
/// the brand disabled, the partner cannot enable. Operators may change both. It takes effect within a second; a disabled link leads to
/// the campaign's fallback page, and earlier clicks count as they did.
#[utoipa::path(
    patch, path = "/api/v1/links/{code}", tag = "tracking", params(("code" = String, Path), Repeatable, Waits),
    request_body(content = ChangeLink, example = json!({"target_url": "https://shop.example.com/sale"})),
    responses(Answers<(Forbidden, TrackingRefusals)>),
    security(("bearer" = []), ("api_key" = ["links.write"]))
)]
pub(crate) async fn change_link(
    State(bff): State<Bff>,
    caller: Caller,
    Path(code): Path<LinkCode>,
    write: Write<ChangeLink>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Partner, Role::Brand])?;
    bff.submit(command_request, body.command(code)).await
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    #[schema(example = "spring-sale")]
    code: String,
    campaign_id: String,
    partner_id: String,
    /// Where it leads.
    target_url: String,
    /// What it adds to the target's query.
    utm: Option<LinkUtm>,
    /// Whether a path behind its code names a page below the target.
    deep_paths: bool,
    #[schema(value_type = LinkStatus)]
    status: String,
    /// Who disabled it.
    #[schema(value_type = Option<DisabledBy>)]
    disabled_by: Option<String>,
    /// Where visitors follow it; null where `LINK_BASE_URL` is not set.
    #[schema(example = "https://go.example.com/c/spring-sale")]
    url: Option<String>,
    /// The same at tracking, without the host.
    #[schema(example = "/c/spring-sale")]
    path: String,
    created_at: Timestamp,
}

impl From<LinkRow> for LinkView {
    fn from(row: LinkRow) -> Self {
        Self {
            url: api::link_url::of(&row.id),
            path: api::link_url::path(&row.id),
            code: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            target_url: row.target_url,
            utm: row.utm.map(|utm| utm.0.into()),
            deep_paths: row.deep_paths,
            status: row.status,
            disabled_by: row.disabled_by,
            created_at: moment(row.created_at),
        }
    }
}

/// Which links.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkFilter {
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of campaigns of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// That are so.
    #[param(inline, value_type = Option<LinkStatus>)]
    status: Option<types::LinkStatus>,
}

/// Links, newest first: a partner's own, those of a brand's campaigns, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/links", tag = "tracking", params(PageQuery, LinkFilter),
    responses((status = 200, body = Page<LinkView>), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_links(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<LinkFilter>,
) -> Result<Page<LinkView>, Problem> {
    let filter = &list.filter;
    let of = To {
        brand: filter.brand_id.as_ref(),
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
    };
    let rows = links::list(
        bff.host.pool(),
        caller.scope()?,
        of,
        filter.status,
        list.page,
    )
    .await
    .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, LinkView::from);
    Ok(page)
}

/// One link.
#[utoipa::path(
    get, path = "/api/v1/links/{code}", tag = "tracking", params(("code" = String, Path)),
    responses((status = 200, body = LinkView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_link(
    State(bff): State<Bff>,
    caller: Caller,
    Path(code): Path<LinkCode>,
) -> Result<Json<LinkView>, Problem> {
    let row = links::find(bff.host.pool(), caller.scope()?, &code)
        .await
        .or_unread()?;
    Ok(Json(row.ok_or_else(Problem::not_found)?.into()))
}

/// The address of a link as a QR code, for print: an SVG image. 404 where this installation does not know under which address visitors
/// reach it (`LINK_BASE_URL`).
#[utoipa::path(
    get, path = "/api/v1/links/{code}/qr", tag = "tracking", params(("code" = String, Path)),
    // Without its media type: stock generators leave out what answers with an image.
    responses((status = 200, description = "The image, as `image/svg+xml`"), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn link_qr_code(
    State(bff): State<Bff>,
    caller: Caller,
    Path(code): Path<LinkCode>,
) -> Result<Response, Problem> {
    let row = links::find(bff.host.pool(), caller.scope()?, &code)
        .await
        .or_unread()?;
    row.ok_or_else(Problem::not_found)?;
    let unknown = || Problem::not_found().with_detail("LINK_BASE_URL is not set here");
    let url = api::link_url::of(code.as_str()).ok_or_else(unknown)?;
    let image = qr_code::of(&url)
        .ok_or_else(|| Problem::internal(&"the address is too long for a QR code"))?;
    let is_svg = [(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"))];
    Ok((is_svg, image).into_response())
}
