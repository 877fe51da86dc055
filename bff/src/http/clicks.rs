//! `/api/v1/clicks` and each of them, handed on to tracking with the caller's own token: clicks are in no log, so there is no model of them here.

use api::{ClicksFilter, ClicksOfDay, SingleClick, SingleClicksFilter};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use runtime::{HandsOn, Host};
use schemas::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::operator::{Forwarded, Proxy};

/// At tracking.
const PATH: &str = "/api/v1/tracking/clicks";
const SINGLE: &str = "/api/v1/tracking/clicks/single";

/// Its routes.
pub(super) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_clicks))
        .routes(routes!(list_single_clicks))
        .with_state(Proxy::new(host))
}

/// How often links were followed, by link and day in UTC, the newest day first: a partner's own links, those of a brand's campaigns, an
/// operator's all. Only visits that counted: none of a campaign that is paused or of a link that is disabled.
#[utoipa::path(
    get, path = "/api/v1/clicks", tag = "tracking", params(PageQuery, ClicksFilter),
    responses((status = 200, body = Page<ClicksOfDay>), Problems<HandsOn>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_clicks(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    list: List<ClicksFilter>,
) -> Result<Response, Problem> {
    caller.scope()?;
    list.filter.days()?;
    hand_on(&proxy, PATH, (context, headers, uri)).await
}

/// Each click of links with the sub ids (`sub1` to `sub5`) that its partner put into the link's query, the newest first: a partner's own, and
/// for operators those of a partner or a link. Brands see none: what a partner wants to find with its clicks is its own. Where sub ids are
/// asked for, a page looks through some 10,000 clicks at most: it may have few items or none, and still have a `next_cursor`.
#[utoipa::path(
    get, path = "/api/v1/clicks/single", tag = "tracking", params(PageQuery, SingleClicksFilter),
    responses((status = 200, body = Page<SingleClick>), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_single_clicks(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    list: List<SingleClicksFilter>,
) -> Result<Response, Problem> {
    list.filter.partner(&caller)?;
    list.filter.days()?;
    hand_on(&proxy, SINGLE, (context, headers, uri)).await
}

/// What tracking answers at a path, for the query of a request.
async fn hand_on(
    proxy: &Proxy,
    path: &str,
    (context, headers, uri): (RequestContext, HeaderMap, Uri),
) -> Result<Response, Problem> {
    let forwarded = Forwarded {
        method: Method::GET,
        path: format!("{path}?{}", uri.query().unwrap_or_default()),
        headers,
        body: Bytes::new(),
        context,
    };
    proxy.hand_on(Service::Tracking, path, forwarded).await
}
