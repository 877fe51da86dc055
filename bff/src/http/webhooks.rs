//! `/api/v1/webhooks` and `/api/v1/webhook-deliveries`: where brands and partners are sent what happens. What is asked becomes a command
//! of notify's; what is shown is handed on to notify with the caller's own token, since deliveries are in no log.

use api::{
    ChangeWebhookEndpoint, CreateWebhookEndpoint, DisableWebhookEndpoint, EnableWebhookEndpoint,
    RemoveWebhookEndpoint, ResendWebhooks, RotateWebhookSecret, TestWebhookEndpoint,
    WebhookDeliveryDetails, WebhookDeliveryFilter, WebhookDeliveryView, WebhookEndpointView,
    WebhookFilter, WebhookSecretView,
};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::{NoBody, Write};
use runtime::{HandsOn, Host, NotifyRefusals};
use schemas::Service;
use types::{Uuid, WebhookEndpointId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::operator::{Forwarded, Proxy};
use super::submit::{Answers, CommandRequest};

/// At notify.
const ENDPOINTS: &str = "/api/v1/notify/webhooks";
const DELIVERIES: &str = "/api/v1/notify/webhook-deliveries";

/// What is asked of endpoints.
pub(super) fn routes() -> OpenApiRouter<Bff> {
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

/// Endpoints and deliveries as notify shows them.
pub(super) fn reads(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_webhook_endpoints))
        .routes(routes!(get_webhook_endpoint))
        .routes(routes!(get_webhook_secret))
        .routes(routes!(list_webhook_deliveries))
        .routes(routes!(get_webhook_delivery))
        .with_state(Proxy::new(host))
}

/// Asks that a brand or a partner is sent what happens: each event that it may see, but for those of webhooks, mail, onboarding,
/// records, groups, keys and bans, as Standard Webhooks has it, of each subject one after the other, until it is taken. With what it is
/// signed, `…/secret` shows.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", params(Repeatable, Waits),
    request_body(content = CreateWebhookEndpoint, example = json!({"url": "https://hooks.example.com/tributary"})),
    responses(Answers<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn create_webhook_endpoint(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<CreateWebhookEndpoint>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    let caller = &command_request.caller;
    let owner = body.owner(caller.brand(), caller.partner())?;
    owner.require(caller)?;
    let command = body.command(command_request.id, &owner);
    bff.submit(command_request, command).await
}

/// Asks that a webhook endpoint changes: where events are sent to, of which types, what people call it.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = ChangeWebhookEndpoint, example = json!({"kinds": ["conversion.attributed.v1"]})),
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn change_webhook_endpoint(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<ChangeWebhookEndpoint>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks that what a webhook endpoint is sent is signed with another secret. That of before ends at once, or counts for as long as is said:
/// meanwhile there is a signature with each.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = RotateWebhookSecret, example = json!({"overlap_seconds": 86400})),
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn rotate_webhook_secret(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<RotateWebhookSecret>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks that a webhook endpoint is sent again what it was sent: one delivery, or all that were made in a time, each under the id that it had.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/resend", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = ResendWebhooks, example = json!({"delivery_id": "2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"})),
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn resend_webhooks(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<ResendWebhooks>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks that there is a webhook endpoint no more, for good, and nothing of what waits for it is sent.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn remove_webhook_endpoint(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<RemoveWebhookEndpoint>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks that a webhook endpoint is sent events again. What happened while it was disabled is not sent; what waited before that is, unless
/// it is older than 30 days.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/enable", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn enable_webhook_endpoint(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<EnableWebhookEndpoint>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks that a webhook endpoint is sent nothing for now. What waits goes on waiting, until it is older than 30 days.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/disable", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn disable_webhook_endpoint(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<DisableWebhookEndpoint>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks that a webhook endpoint is sent an event that says nothing: `webhook_endpoint.tested.v1`, whichever types it is sent.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn test_webhook_endpoint(
    State(bff): State<Bff>,
    caller: Caller,
    Path(endpoint): Path<WebhookEndpointId>,
    write: Write<TestWebhookEndpoint>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(endpoint)).await
}

/// Asks notify for what is below one of its paths.
pub(super) async fn hand_on(
    proxy: &Proxy,
    below: &str,
    rest: String,
    request: (RequestContext, HeaderMap),
) -> Result<Response, Problem> {
    hand_on_body(proxy, below, rest, request, (Method::GET, Bytes::new())).await
}

/// The same with a body.
pub(super) async fn hand_on_body(
    proxy: &Proxy,
    below: &str,
    rest: String,
    (context, headers): (RequestContext, HeaderMap),
    (method, body): (Method, Bytes),
) -> Result<Response, Problem> {
    let forwarded = Forwarded {
        method,
        path: format!("{below}{rest}"),
        headers,
        body,
        context,
    };
    proxy.hand_on(Service::Notify, below, forwarded).await
}

pub(super) fn query(uri: &Uri) -> String {
    format!("?{}", uri.query().unwrap_or_default())
}

/// Webhook endpoints that are not removed, newest first: the caller's own, for operators all.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", params(PageQuery, WebhookFilter),
    responses((status = 200, body = Page<WebhookEndpointView>), Problems<(Forbidden, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_webhook_endpoints(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    _list: List<WebhookFilter>,
) -> Result<Response, Problem> {
    caller.scope()?;
    hand_on(&proxy, ENDPOINTS, query(&uri), (context, headers)).await
}

/// What webhook endpoints are sent, newest first: to those of the caller, for operators to all. Kept for 30 days. Of a type of event, of what
/// was delivered and of several conditions a page looks through 10,000 at most: it may have few items or none, and still have a `next_cursor`.
#[utoipa::path(
    get, path = "/api/v1/webhook-deliveries", tag = "webhooks", params(PageQuery, WebhookDeliveryFilter),
    responses((status = 200, body = Page<WebhookDeliveryView>), Problems<(Forbidden, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_webhook_deliveries(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    _list: List<WebhookDeliveryFilter>,
) -> Result<Response, Problem> {
    caller.scope()?;
    hand_on(&proxy, DELIVERIES, query(&uri), (context, headers)).await
}

/// A webhook endpoint.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookEndpointView), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn get_webhook_endpoint(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    Path(id): Path<WebhookEndpointId>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let rest = format!("/{id}");
    hand_on(&proxy, ENDPOINTS, rest, (context, headers)).await
}

/// The secret of a webhook endpoint, for its owner and operators, and for no API key. It is kept nowhere: it is made anew each time.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/secret", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookSecretView), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn get_webhook_secret(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    Path(id): Path<WebhookEndpointId>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let rest = format!("/{id}/secret");
    hand_on(&proxy, ENDPOINTS, rest, (context, headers)).await
}

/// What a webhook endpoint is sent, letter by letter, with each attempt and what was answered.
#[utoipa::path(
    get, path = "/api/v1/webhook-deliveries/{id}", tag = "webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, body = WebhookDeliveryDetails), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn get_webhook_delivery(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let rest = format!("/{id}");
    hand_on(&proxy, DELIVERIES, rest, (context, headers)).await
}
