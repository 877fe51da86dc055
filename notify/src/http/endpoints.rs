//! `/api/v1/notify/webhooks`, `…/{endpoint_id}`, and what is asked of one.

use api::{
    ChangeWebhookEndpoint, CreateWebhookEndpoint, DisableWebhookEndpoint, EnableWebhookEndpoint,
    RemoveWebhookEndpoint, ResendWebhooks, RotateWebhookSecret, TestWebhookEndpoint,
    WebhookEndpointView, WebhookFilter, WebhookSecretView,
};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{Created, Done, Host, NotifyRefusals, OrUnread};
use types::{Micros, WebhookEndpointId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::endpoints::{self, Row};

/// What is asked of endpoints.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(create_webhook_endpoint))
        .routes(routes!(change_webhook_endpoint))
        .routes(routes!(remove_webhook_endpoint))
        .routes(routes!(enable_webhook_endpoint))
        .routes(routes!(disable_webhook_endpoint))
        .routes(routes!(rotate_webhook_secret))
        .routes(routes!(test_webhook_endpoint))
        .routes(routes!(resend_webhooks))
}

/// Endpoints as they stand.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_webhook_endpoints))
        .routes(routes!(get_webhook_endpoint))
        .routes(routes!(get_webhook_secret))
}

super::done!(
    /// What was done to a webhook endpoint.
    WebhookEndpointDone, endpoint_id, "whe_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f", "webhook_endpoint.created.v1"
);

/// Have a brand or a partner sent what happens
///
/// Each event that its owner may see, but for those of webhooks, mail, onboarding, records, groups, keys and bans, is sent to it
/// as [Standard Webhooks](https://www.standardwebhooks.com) has it, of each subject one after the other, until it is taken. With what it
/// is signed, `…/secret` shows.
#[utoipa::path(
    post,
    path = "/api/v1/notify/webhooks",
    tag = "webhooks",
    params(Repeatable),
    request_body(content = CreateWebhookEndpoint, example = json!({"url": "https://hooks.example.com/tributary"})),
    responses(Created<WebhookEndpointDone>, Problems<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn create_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    write: Write<CreateWebhookEndpoint>,
) -> Result<Created<WebhookEndpointDone>, Problem> {
    caller.scope()?;
    let owner = write.body.owner(caller.brand(), caller.partner())?;
    let command = |id, body: CreateWebhookEndpoint| body.command(id, &owner);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Change a webhook endpoint
///
/// What was made for it before is sent to its new address.
#[utoipa::path(
    patch,
    path = "/api/v1/notify/webhooks/{endpoint_id}",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body(content = ChangeWebhookEndpoint, example = json!({"kinds": ["conversion.attributed.v1"]})),
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn change_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<ChangeWebhookEndpoint>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: ChangeWebhookEndpoint| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Give a webhook endpoint another secret
///
/// That of before ends at once, or counts for as long as is said, so that a receiver can change from one to the other: meanwhile there is a
/// signature with each.
#[utoipa::path(
    post,
    path = "/api/v1/notify/webhooks/{endpoint_id}/rotate",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body(content = RotateWebhookSecret, example = json!({"overlap_seconds": 86400})),
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn rotate_webhook_secret(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<RotateWebhookSecret>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: RotateWebhookSecret| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Have a webhook endpoint sent again what it was sent
///
/// One delivery, or all that were made in a time, each under the id that it had.
#[utoipa::path(
    post,
    path = "/api/v1/notify/webhooks/{endpoint_id}/resend",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body(content = ResendWebhooks, example = json!({"delivery_id": "2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"})),
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn resend_webhooks(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<ResendWebhooks>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: ResendWebhooks| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Have a webhook endpoint sent events again
///
/// What happened while it was disabled is not sent; what waited before that is, unless it is older than 30 days.
#[utoipa::path(
    post,
    path = "/api/v1/notify/webhooks/{endpoint_id}/enable",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn enable_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<EnableWebhookEndpoint>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: EnableWebhookEndpoint| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Have a webhook endpoint sent nothing for now
///
/// What waits goes on waiting, until it is older than 30 days.
#[utoipa::path(
    post,
    path = "/api/v1/notify/webhooks/{endpoint_id}/disable",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn disable_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<DisableWebhookEndpoint>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: DisableWebhookEndpoint| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Remove a webhook endpoint
///
/// For good, with what waits for it.
#[utoipa::path(
    delete,
    path = "/api/v1/notify/webhooks/{endpoint_id}",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn remove_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<RemoveWebhookEndpoint>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: RemoveWebhookEndpoint| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

/// Have a webhook endpoint sent an event that says nothing
///
/// Of the type `webhook_endpoint.tested.v1`, whichever types it is sent.
#[utoipa::path(
    post,
    path = "/api/v1/notify/webhooks/{endpoint_id}/test",
    tag = "webhooks",
    params(("endpoint_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<WebhookEndpointDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn test_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<TestWebhookEndpoint>,
) -> Result<Done<WebhookEndpointDone>, Problem> {
    let command = |_, body: TestWebhookEndpoint| body.command(endpoint);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WebhookEndpointDone::from(first)))
}

fn moment(micros: i64) -> Timestamp {
    Timestamp(Micros(micros))
}

/// Until when the secret of before counts, while it does.
fn previous_until(row: &Row) -> Option<i64> {
    let now = messaging::clock::now().get();
    row.previous_until.filter(|until| *until > now)
}

fn view(row: Row) -> WebhookEndpointView {
    WebhookEndpointView {
        kinds: row.kinds(),
        previous_until: previous_until(&row).map(moment),
        id: row.id,
        brand_id: row.brand_id,
        partner_id: row.partner_id,
        url: row.url,
        description: row.description,
        format: row.format,
        status: row.status,
        disabled_reason: row.disabled_reason,
        created_at: moment(row.created_at),
        changed_at: moment(row.changed_at),
    }
}

/// Webhook endpoints that are not removed, newest first: the caller's own, for operators all.
#[utoipa::path(
    get,
    path = "/api/v1/notify/webhooks",
    tag = "webhooks",
    params(PageQuery, WebhookFilter),
    responses((status = 200, body = Page<WebhookEndpointView>), Problems),
    security(("bearer" = []))
)]
pub(super) async fn list_webhook_endpoints(
    State(host): State<Host>,
    caller: Caller,
    list: List<WebhookFilter>,
) -> Result<Page<WebhookEndpointView>, Problem> {
    let rows = endpoints::list(host.pool(), caller.scope()?, &list.filter, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

/// A webhook endpoint.
#[utoipa::path(
    get,
    path = "/api/v1/notify/webhooks/{endpoint_id}",
    tag = "webhooks",
    params(("endpoint_id" = String, Path)),
    responses((status = 200, body = WebhookEndpointView), Problems),
    security(("bearer" = []))
)]
pub(super) async fn get_webhook_endpoint(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
) -> Result<Json<WebhookEndpointView>, Problem> {
    Ok(Json(view(find(&host, &caller, &endpoint).await?)))
}

/// The secret of a webhook endpoint, for its owner and operators, and for no API key. It is kept nowhere: it is made anew each time.
#[utoipa::path(
    get,
    path = "/api/v1/notify/webhooks/{endpoint_id}/secret",
    tag = "webhooks",
    params(("endpoint_id" = String, Path)),
    responses((status = 200, body = WebhookSecretView), Problems),
    security(("bearer" = []))
)]
pub(super) async fn get_webhook_secret(
    State(host): State<Host>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
) -> Result<Response, Problem> {
    let row = find(&host, &caller, &endpoint).await?;
    let secrets = crate::SECRETS.get();
    let secrets = secrets.ok_or_else(|| Problem::internal(&"no secret was made at the start"))?;
    let until = previous_until(&row);
    let previous = row
        .secret_version
        .checked_sub(1)
        .filter(|_| until.is_some());
    let shown = WebhookSecretView {
        secret: secrets.shown(&row.id, row.secret_version),
        previous_secret: previous.map(|version| secrets.shown(&row.id, version)),
        previous_until: until.map(moment),
        endpoint_id: row.id,
    };
    let no_store = HeaderValue::from_static("no-store");
    Ok(([(CACHE_CONTROL, no_store)], Json(shown)).into_response())
}

async fn find(host: &Host, caller: &Caller, endpoint: &WebhookEndpointId) -> Result<Row, Problem> {
    let found = endpoints::find(host.pool(), caller.scope()?, endpoint)
        .await
        .or_unread()?;
    found.ok_or_else(Problem::not_found)
}
