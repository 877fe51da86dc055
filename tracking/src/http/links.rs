//! `/api/v1/tracking/links`

use api::lists::LinkStatus;
use api::{ChangeLink, CreateLink, Request};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::{FieldProblem, Problem};
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{DisabledBy, Host, TrackingRefusals, Waiting};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{CampaignId, LinkCode, Micros, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain;
use crate::store::links;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(create_link, list_links))
        .routes(routes!(change_link))
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Its code, which is its id.
    code: String,
    campaign_id: String,
    partner_id: String,
    target_url: String,
    #[schema(value_type = LinkStatus)]
    status: String,
    /// Who disabled it.
    #[schema(value_type = Option<DisabledBy>)]
    disabled_by: Option<String>,
    /// Where visitors are sent to.
    #[schema(example = "/c/spring-sale")]
    path: String,
    created_at: Timestamp,
}

/// Create a link
///
/// Waits up to 10 seconds for a campaign or an enrollment that is on its way here: then the answer is 202.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/links",
    tag = "links",
    params(Repeatable),
    request_body(
        content = CreateLink,
        example = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-sale"})
    ),
    responses(
        (status = 201, body = Link),
        (status = 202, body = Waiting),
        Problems<TrackingRefusals>,
    ),
    security(("bearer" = []))
)]
pub(super) async fn create_link(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateLink>,
) -> Result<Response, Problem> {
    let partner = write
        .body
        .partner_id()
        .or_else(|| caller.partner())
        .cloned();
    let partner = partner
        .ok_or_else(|| Problem::invalid(vec![FieldProblem::at("/partner_id", "is missing")]))?;
    let command = |id, body: CreateLink| body.command(id, partner);
    let submitted = host
        .submit_write(CreateLink::KIND, write, &caller, &context, command)
        .await?;
    Ok(submitted.created(link_of))
}

/// Change a link
///
/// Where it leads: for its partner. Whether it does: for its partner and the campaign's brand; what the brand disabled, the
/// partner cannot enable. Operators may change both. It takes effect within a second; a disabled link leads to the campaign's
/// fallback page, and earlier clicks count as they did.
#[utoipa::path(
    patch,
    path = "/api/v1/tracking/links/{code}",
    tag = "links",
    params(("code" = String, Path), Repeatable),
    request_body(content = ChangeLink, example = json!({"target_url": "https://shop.example.com/sale"})),
    responses(
        (status = 200, body = Link),
        (status = 202, body = Waiting),
        Problems<TrackingRefusals>,
    ),
    security(("bearer" = []), ("api_key" = ["links.write"]))
)]
pub(super) async fn change_link(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    Path(code): Path<LinkCode>,
    write: Write<ChangeLink>,
) -> Result<Response, Problem> {
    let command = |_, body: ChangeLink| body.command(code);
    let submitted = host
        .submit_write(ChangeLink::KIND, write, &caller, &context, command)
        .await?;
    Ok(submitted.ok(link_of))
}

fn link_of(message: &Message) -> Option<Link> {
    let header = &message.header;
    let link = match &message.body {
        Body::LinkCreatedV1(body) => domain::Link::created(body, header.time, 0),
        Body::LinkChangedV1(body) => domain::Link::after(body, 0),
        _ => return None,
    };
    let status = link.status().name().to_owned();
    Some(Link {
        code: header.subject.clone(),
        campaign_id: link.campaign.into_string(),
        partner_id: link.partner.into_string(),
        target_url: link.target_url,
        status,
        disabled_by: link.disabled_by.map(|by| by.name().to_owned()),
        path: path(&header.subject),
        created_at: link.created_at.into(),
    })
}

fn path(code: &str) -> String {
    format!("/c/{code}")
}

/// Which links.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LinkFilter {
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// That are so.
    #[param(inline, value_type = Option<LinkStatus>)]
    status: Option<types::LinkStatus>,
}

/// List links, newest first
#[utoipa::path(
    get,
    path = "/api/v1/tracking/links",
    tag = "links",
    params(PageQuery, LinkFilter),
    responses((status = 200, body = Page<Link>), Problems<Forbidden>),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn list_links(
    State(host): State<Host>,
    caller: Caller,
    list: List<LinkFilter>,
) -> Result<Page<Link>, Problem> {
    let List { page, filter } = list;
    let filter = links::LinkFilter {
        scope: caller.scope()?,
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        status: filter.status,
    };
    let rows = links::list(host.pool(), &filter, page).await;
    let rows = rows.map_err(|error| runtime::unread(&error))?;
    Ok(Page::new(
        page,
        rows,
        |row| row.position,
        |row| Link {
            path: path(&row.code),
            code: row.code,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            target_url: row.target_url,
            status: row.status,
            disabled_by: row.disabled_by,
            created_at: Micros(row.created_at).into(),
        },
    ))
}
