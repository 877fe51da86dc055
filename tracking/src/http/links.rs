//! `/api/v1/tracking/links`

use api::lists::LinkStatus;
use api::{ChangeLink, CreateLink, CreateLinks, LinkUtm, link_at};
use axum::extract::State;
use axum::http::StatusCode;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::{Problem, ProblemBody};
use chassis::time::Timestamp;
use chassis::write::Write;
use futures::future::join_all;
use runtime::{Created, DisabledBy, Done, Host, OrUnread, Submitted, TrackingRefusals};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{CampaignId, LinkCode, Micros, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::domain;
use crate::store::links::{self, LinkRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(create_link, list_links))
        .routes(routes!(create_links))
        .routes(routes!(get_link, change_link))
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Its code, which is its id.
    code: String,
    campaign_id: String,
    partner_id: String,
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
    responses(Created<Link>, Problems<TrackingRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn create_link(
    State(host): State<Host>,
    caller: Caller,
    write: Write<CreateLink>,
) -> Result<Created<Link>, Problem> {
    let partner = caller.partner_or_own(write.body.partner_id())?;
    let submitted = submit(&host, write, partner, &caller).await?;
    Ok(submitted.answer(link_of))
}

async fn submit(
    host: &Host,
    write: Write<CreateLink>,
    partner: PartnerId,
    caller: &Caller,
) -> Result<Submitted, Problem> {
    let command = |id, body: CreateLink| body.command(id, partner);
    host.submit_write(write, caller, command).await
}

/// What became of each link, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkOutcomes {
    items: Vec<LinkOutcome>,
}

/// What became of a link: as if it had been the only one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkOutcome {
    /// The HTTP status that it would have had.
    #[schema(example = 201)]
    status: u16,
    /// Of the command, where it is in the log.
    command_id: Option<Uuid>,
    /// The link, once it is made.
    link: Option<Link>,
    /// Why it was refused.
    #[schema(value_type = Option<ProblemBody>)]
    problem: Option<Problem>,
}

impl From<Result<Submitted, Problem>> for LinkOutcome {
    fn from(submitted: Result<Submitted, Problem>) -> Self {
        match submitted {
            Ok(submitted) => {
                let link = submitted.event().and_then(link_of);
                let status = if link.is_some() {
                    StatusCode::CREATED
                } else {
                    StatusCode::ACCEPTED
                };
                Self {
                    status: status.as_u16(),
                    command_id: Some(submitted.command_id),
                    link,
                    problem: None,
                }
            }
            Err(problem) => Self {
                status: problem.status().as_u16(),
                command_id: problem.command_id(),
                link: None,
                problem: Some(problem),
            },
        }
    }
}

/// Create up to 100 links
///
/// What is wrong with the form of one is wrong with the request, and nothing is done; else each is made or refused on its own.
/// A request that is repeated with its `Idempotency-Key` makes each link once.
/// Each counts as a request.
#[utoipa::path(
    post,
    path = "/api/v1/tracking/links:batch",
    tag = "links",
    params(Repeatable),
    request_body(
        content = CreateLinks,
        example = json!({"links": [{"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-shoes"},
                                   {"campaign_id": "camp123", "target_url": "https://shop.example.com/hats", "code": "spring-hats"}]})
    ),
    responses(
        (status = 200, body = LinkOutcomes),
        Problems<(NotFound, TrackingRefusals)>,
    ),
    security(("bearer" = []))
)]
pub(super) async fn create_links(
    State(host): State<Host>,
    caller: Caller,
    write: Write<CreateLinks>,
) -> Result<Json<LinkOutcomes>, Problem> {
    let hash = write.key.is_some().then(|| write.request_hash.clone());
    let (mut ids, mut wanted) = (Vec::new(), Vec::new());
    for (place, write) in write
        .split(CreateLinks::into_links)?
        .into_iter()
        .enumerate()
    {
        let partner = caller.partner_or_own(write.body.partner_id());
        let partner = partner.map_err(|problem| problem.below(&link_at(place)))?;
        caller.require_owner(Some(&partner), None)?;
        ids.push(write.command_id(&caller));
        wanted.push(submit(&host, write, partner, &caller));
    }
    if let Some(hash) = &hash {
        host.refuse_reused(&ids, hash).await?;
    }
    let outcomes = join_all(wanted).await.into_iter();
    let items = outcomes.map(LinkOutcome::from).collect();
    Ok(Json(LinkOutcomes { items }))
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
    responses(Done<Link>, Problems<TrackingRefusals>),
    security(("bearer" = []), ("api_key" = ["links.write"]))
)]
pub(super) async fn change_link(
    State(host): State<Host>,
    caller: Caller,
    Path(code): Path<LinkCode>,
    write: Write<ChangeLink>,
) -> Result<Done<Link>, Problem> {
    let command = |_, body: ChangeLink| body.command(code);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(link_of))
}

impl From<LinkRow> for Link {
    fn from(row: LinkRow) -> Self {
        Self {
            path: path(&row.code),
            code: row.code,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            target_url: row.target_url,
            utm: row.utm.map(|utm| utm.0.into()),
            deep_paths: row.deep_paths,
            status: row.status,
            disabled_by: row.disabled_by,
            created_at: Micros(row.created_at).into(),
        }
    }
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
        utm: link.utm.map(LinkUtm::from),
        deep_paths: link.deep_paths,
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
    let rows = links::list(host.pool(), &filter, page).await.or_unread()?;
    Ok(Page::new(page, rows, |row| row.position, Link::from))
}

/// Get a link
#[utoipa::path(
    get,
    path = "/api/v1/tracking/links/{code}",
    tag = "links",
    params(("code" = String, Path)),
    responses((status = 200, body = Link), Problems<Forbidden>),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn get_link(
    State(host): State<Host>,
    caller: Caller,
    Path(code): Path<LinkCode>,
) -> Result<Json<Link>, Problem> {
    let row = links::find(host.pool(), caller.scope()?, &code)
        .await
        .or_unread()?;
    Ok(Json(row.ok_or_else(Problem::not_found)?.into()))
}
