//! `/api/v1/clicks`, handed on to tracking with the caller's own token: clicks are in no log, so there is no model of them here.

use api::{ClicksFilter, ClicksOfDay};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::Problems;
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use runtime::{HandsOn, Host};
use schemas::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::operator::{Forwarded, Proxy};

/// At tracking.
const PATH: &str = "/api/v1/tracking/clicks";

/// Its routes.
pub(super) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_clicks))
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
    let forwarded = Forwarded {
        method: Method::GET,
        path: format!("{PATH}?{}", uri.query().unwrap_or_default()),
        headers,
        body: Bytes::new(),
        context,
    };
    proxy.hand_on(Service::Tracking, PATH, forwarded).await
}
