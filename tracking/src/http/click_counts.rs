//! `/api/v1/tracking/clicks`, in every mode: clicks never enter the log, so nobody else can count them.

use api::{ClicksFilter, ClicksOfDay};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::Problems;
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use runtime::{Host, OrUnread};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::click_counts::{self, Wanted};

/// Its routes.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_clicks))
        .with_state(host.clone())
}

/// How often links were followed
///
/// By link and day in UTC, the newest day first: a partner's own links, those of a brand's campaigns, an operator's all. Only
/// visits that counted: none of a campaign that is paused or of a link that is disabled.
#[utoipa::path(
    get,
    path = "/api/v1/tracking/clicks",
    tag = "links",
    params(PageQuery, ClicksFilter),
    responses((status = 200, body = Page<ClicksOfDay>), Problems),
    security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(super) async fn list_clicks(
    State(host): State<Host>,
    caller: Caller,
    list: List<ClicksFilter>,
) -> Result<Page<ClicksOfDay>, Problem> {
    let (from, to) = list.filter.days()?;
    let wanted = Wanted {
        scope: caller.scope()?,
        first: from,
        last: to,
        filter: &list.filter,
    };
    let rows = click_counts::list(host.pool(), &wanted, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.place,
        ClicksOfDay::from,
    ))
}
