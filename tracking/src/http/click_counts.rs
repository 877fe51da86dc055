//! `/api/v1/tracking/clicks`, in every mode: clicks never enter the log, so nobody else can count or show them.

use api::{ClicksFilter, ClicksOfDay, SingleClick, SingleClicksFilter};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::page::{Cursor, List, Page, PageQuery};
use chassis::problem::Problem;
use runtime::{Host, OrUnread};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::click_counts::{self, Wanted};
use crate::store::single_clicks;

/// Its routes.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_clicks))
        .routes(routes!(list_single_clicks))
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

/// Each click of links
///
/// With the sub ids (`sub1` to `sub5`) that its partner put into the link's query, the newest first: a partner's own, and for operators those
/// of a partner or a link. Brands see none: what a partner wants to find with its clicks is its own. Where sub ids are asked for, a page looks
/// through some 10,000 clicks at most: it may have few items or none, and still have a `next_cursor`. Of a visitor that was erased a click has none.
#[utoipa::path(
    get,
    path = "/api/v1/tracking/clicks/single",
    tag = "links",
    params(PageQuery, SingleClicksFilter),
    responses((status = 200, body = Page<SingleClick>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn list_single_clicks(
    State(host): State<Host>,
    caller: Caller,
    list: List<SingleClicksFilter>,
) -> Result<Page<SingleClick>, Problem> {
    let partner = list.filter.partner(&caller)?;
    let (from, to) = list.filter.days()?;
    let wanted = single_clicks::Wanted {
        partner,
        first: from,
        last: to,
        filter: &list.filter,
    };
    let (rows, searched_to) = single_clicks::list(host.pool(), &wanted, list.page)
        .await
        .or_unread()?;
    let mut page = Page::new(list.page, rows, |row| row.place, SingleClick::from);
    if page.next_cursor.is_none() {
        page.next_cursor = searched_to.map(|position| Cursor { position }.encode());
    }
    Ok(page)
}
