//! `/api/v1/notify/webhook-deliveries`

use api::{WebhookAttemptView, WebhookDeliveryDetails, WebhookDeliveryFilter, WebhookDeliveryView};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::page::{Cursor, List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::{Host, OrUnread};
use types::{Micros, Uuid, WebhookFormat};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::postback;
use crate::store::attempts;
use crate::store::deliveries::{self, Row};

/// Its routes.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_webhook_deliveries))
        .routes(routes!(get_webhook_delivery))
}

fn moment(micros: i64) -> Timestamp {
    Timestamp(Micros(micros))
}

fn view(row: Row) -> WebhookDeliveryView {
    let is_pending = row.state == "pending";
    WebhookDeliveryView {
        id: row.id,
        endpoint_id: row.endpoint_id,
        event_id: row.event_id,
        kind: row.kind,
        subject: row.subject,
        state: row.state,
        attempts: row.attempts,
        next_at: row.next_at.filter(|_| is_pending).map(moment),
        last_status: row.last_status,
        last_error: row.last_error,
        created_at: moment(row.created_at),
        ended_at: row.ended_at.map(moment),
    }
}

/// What webhook endpoints are sent, newest first: to those of the caller, for operators to all. Kept for 30 days. Of a type of event, of what
/// was delivered and of several conditions a page looks through 10,000 at most: it may have few items or none, and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v1/notify/webhook-deliveries",
    tag = "webhooks",
    params(PageQuery, WebhookDeliveryFilter),
    responses((status = 200, body = Page<WebhookDeliveryView>), Problems),
    security(("bearer" = []))
)]
pub(super) async fn list_webhook_deliveries(
    State(host): State<Host>,
    caller: Caller,
    list: List<WebhookDeliveryFilter>,
) -> Result<Page<WebhookDeliveryView>, Problem> {
    let (pool, scope) = (host.pool(), caller.scope()?);
    let searched_to = deliveries::searched_to(pool, scope, &list.filter, list.page)
        .await
        .or_unread()?;
    let rows = deliveries::list(pool, scope, &list.filter, list.page, searched_to)
        .await
        .or_unread()?;
    let mut page = Page::new(list.page, rows, |row| row.position, view);
    if page.next_cursor.is_none() {
        page.next_cursor = searched_to.map(|position| Cursor { position }.encode());
    }
    Ok(page)
}

/// What a webhook endpoint is sent, letter by letter, with each attempt and what was answered.
#[utoipa::path(
    get,
    path = "/api/v1/notify/webhook-deliveries/{delivery_id}",
    tag = "webhooks",
    params(("delivery_id" = Uuid, Path)),
    responses((status = 200, body = WebhookDeliveryDetails), Problems),
    security(("bearer" = []))
)]
pub(super) async fn get_webhook_delivery(
    State(host): State<Host>,
    caller: Caller,
    Path(delivery): Path<Uuid>,
) -> Result<Json<WebhookDeliveryDetails>, Problem> {
    let row = deliveries::find(host.pool(), caller.scope()?, delivery);
    let row = row.await.or_unread()?.ok_or_else(Problem::not_found)?;
    let attempts = attempts::of(host.pool(), delivery).await.or_unread()?;
    let attempts = attempts.into_iter().map(|row| WebhookAttemptView {
        attempted_at: moment(row.attempted_at),
        took_ms: row.took_ms,
        status: row.status,
        answer: row.answer,
        error: row.error,
    });
    let sent = deliveries::sent(host.pool(), delivery).await;
    let sent = sent.or_unread()?;
    let sent = sent.filter(|it| it.format == WebhookFormat::Postback.name());
    let url = sent.map(|it| {
        let event = serde_json::from_str(&row.body).unwrap_or_default();
        postback::address(&it.url, delivery, &event, &it.sale)
    });
    Ok(Json(WebhookDeliveryDetails {
        body: row.body.clone(),
        url,
        delivery: view(row),
        attempts: attempts.collect(),
    }))
}
