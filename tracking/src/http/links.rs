//! `/api/v1/tracking/links`

use api::{CreateLink, Request};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::{FieldProblem, Problem};
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Host, TrackingRefusals, Waiting};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{CampaignId, Micros, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::links;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(create_link, list_links))
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Its code, which is its id.
    code: String,
    campaign_id: String,
    partner_id: String,
    target_url: String,
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

fn link_of(message: &Message) -> Option<Link> {
    let Body::LinkCreatedV1(body) = &message.body else {
        return None;
    };
    Some(Link {
        code: message.header.subject.clone(),
        campaign_id: body.campaign_id.to_string(),
        partner_id: body.partner_id.to_string(),
        target_url: body.target_url.clone(),
        path: path(&message.header.subject),
        created_at: message.header.time.into(),
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
}

/// List links, newest first
#[utoipa::path(
    get,
    path = "/api/v1/tracking/links",
    tag = "links",
    params(PageQuery, LinkFilter),
    responses((status = 200, body = Page<Link>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_links(
    State(host): State<Host>,
    caller: Caller,
    list: List<LinkFilter>,
) -> Result<Page<Link>, Problem> {
    let List { page, filter } = list;
    let (campaign, partner) = (filter.campaign_id.as_ref(), filter.partner_id.as_ref());
    let rows = links::list(host.pool(), caller.scope()?, campaign, partner, page).await;
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
            created_at: Micros(row.created_at).into(),
        },
    ))
}
