//! `…/events`: the log, decoded by the schemas that wrote it.

use std::sync::Arc;

use axum::extract::State;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::page::{Cursor, List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::event_store::{self, Filter, Way};
use crate::process::Process;
use crate::unread::OrUnread;

/// Which end of the log comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    #[default]
    Newest,
    Oldest,
}

/// Which messages, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventFilter {
    /// Only those about this aggregate.
    pub(super) subject: Option<String>,
    /// Only what this request caused.
    pub(super) correlation_id: Option<Uuid>,
    /// Only of this type, such as `campaign.created.v1`.
    pub(super) r#type: Option<String>,
    /// `newest` (without it) or `oldest` first.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// Begin with this position.
    from: Option<i64>,
}

impl EventFilter {
    fn way(&self, page: PageQuery) -> Way {
        let cursor = page.cursor.map(|cursor| cursor.position);
        match self.order {
            Order::Oldest => {
                let above = self.from.map_or(0, |from| from.saturating_sub(1));
                Way::Above(cursor.unwrap_or(above))
            }
            Order::Newest => {
                let below = self.from.map_or(i64::MAX, |from| from.saturating_add(1));
                Way::Below(cursor.unwrap_or(below))
            }
        }
    }
}

/// Messages of this service's log. Only so much of it is searched for one page: a page may hold fewer than `limit`, or
/// none, and still have a `next_cursor`.
#[utoipa::path(
    get, path = "/events", tag = "operator", params(PageQuery, EventFilter),
    responses((status = 200, body = Page<Object>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_events(
    State(process): State<Arc<Process>>,
    list: List<EventFilter>,
) -> Result<Page<Value>, Problem> {
    let way = list.filter.way(list.page);
    let filter = Filter {
        subject: list.filter.subject,
        correlation_id: list.filter.correlation_id,
        kind: list.filter.r#type,
    };
    let found = event_store::search(&process.pool, &filter, way, i64::from(list.page.limit))
        .await
        .or_unread()?;
    let mut items = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        items.push(event_store::shown(&process.pool, process.schema_ids(), row).await);
    }
    let next = found.next.map(|position| Cursor { position });
    Ok(Page::with(list.page, items, next))
}

/// The message at a position.
#[utoipa::path(
    get, path = "/events/{position}", tag = "operator", params(("position" = i64, Path)),
    responses((status = 200, body = Object), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_event(
    State(process): State<Arc<Process>>,
    Path(position): Path<i64>,
) -> Result<Json<Value>, Problem> {
    let way = Way::Above(position.saturating_sub(1));
    let found = event_store::search(&process.pool, &Filter::default(), way, 1).await;
    let rows = found.or_unread()?.rows;
    let row = rows.first().filter(|row| row.position == position);
    let row = row.ok_or_else(Problem::not_found)?;
    Ok(Json(
        event_store::shown(&process.pool, process.schema_ids(), row).await,
    ))
}
