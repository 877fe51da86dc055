//! `/api/v1/operator/{service}/…` of the other services, handed on to them as they came: with the caller's own token, so
//! that the service's audit names the person. Front ends and tools need to reach only the bff.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::any;
use chassis::auth::Caller;
use chassis::http::{CORRELATION_ID, RequestContext};
use chassis::page::NEXT_CURSOR;
use chassis::problem::{Problem, code};
use http_body_util::Limited;
use runtime::{BAD_GATEWAY, Host, SERVICE_UNAVAILABLE};
use schemas::Service;
use utoipa_axum::router::OpenApiRouter;

/// The longest answer that is handed back, in bytes; an event stream has no end.
const MAX_ANSWER_LENGTH: usize = 64 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A service that sends nothing for so long is away; event streams send comments more often.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
const EVENT_STREAM: &str = "text/event-stream";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a service must know of the request beside its body.
const HANDED_ON: [HeaderName; 6] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ACCEPT,
    IDEMPOTENCY_KEY,
    PREFER,
    LAST_EVENT_ID,
];
/// What a client must know of the answer beside its body.
const HANDED_BACK: [HeaderName; 7] = [
    HeaderName::from_static(NEXT_CURSOR),
    ALLOW,
    CONTENT_TYPE,
    CACHE_CONTROL,
    LOCATION,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
];

/// Hands requests on to the service that they are about.
#[derive(Clone)]
pub(super) struct Proxy {
    host: Host,
    client: reqwest::Client,
}

/// What is asked of a service.
pub(super) struct Forwarded {
    pub(super) method: Method,
    /// Path and query, at the service.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) context: RequestContext,
}

/// The routes. What every service has is documented where it is made; what only payment has, from its own document.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    let proxy = Proxy::new(host);
    let documented = OpenApiRouter::with_openapi(super::operator_document::payments());
    Service::Bff
        .others()
        .fold(documented, |router, service| {
            let hand_on = move |State(proxy): State<Proxy>,
                                caller: Caller,
                                context: RequestContext,
                                method: Method,
                                uri: Uri,
                                headers: HeaderMap,
                                body: Result<Bytes, BytesRejection>| async move {
                caller.require_operator()?;
                let body = body.map_err(|rejection| unreadable(&rejection))?;
                let forwarded = Forwarded {
                    method,
                    path: uri
                        .path_and_query()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                    headers,
                    body,
                    context,
                };
                proxy.hand_on(service, &prefix(service), forwarded).await
            };
            router.route(&format!("{}{{*rest}}", prefix(service)), any(hand_on))
        })
        .layer(DefaultBodyLimit::max(host.limits().operator_body_bytes()))
        .with_state(proxy)
        .merge(super::checks::routes(host))
}

fn prefix(service: Service) -> String {
    format!("/api/v1/operator/{}/", service.name())
}

impl Proxy {
    pub(super) fn new(host: &Host) -> Self {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap_or_default();
        Self {
            host: host.clone(),
            client,
        }
    }

    /// The service's answer to what is asked below these paths.
    pub(super) async fn hand_on(
        &self,
        service: Service,
        below: &str,
        forwarded: Forwarded,
    ) -> Result<Response, Problem> {
        let url = format!("{}{}", self.host.url_of(service), forwarded.path);
        let url = reqwest::Url::parse(&url).map_err(|_| Problem::not_found())?;
        // Parsing resolves dots: what leaves these paths goes nowhere.
        if !url.path().starts_with(below) {
            return Err(Problem::not_found());
        }
        let mut headers = picked(&forwarded.headers, &HANDED_ON);
        for (name, value) in [
            (CORRELATION_ID, forwarded.context.correlation_id.to_string()),
            (TRACEPARENT, forwarded.context.trace.to_header()),
        ] {
            headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
        }
        let Forwarded { method, body, .. } = forwarded;
        let send = || {
            let request = self.client.request(method.clone(), url.clone());
            request.headers(headers.clone()).body(body.clone()).send()
        };
        let mut answer = send().await;
        // Of several processes one may just have stopped: then nothing was asked of it.
        let again =
            |error: &reqwest::Error| error.is_connect() || method.is_safe() && is_cut_off(error);
        if answer.as_ref().is_err_and(again) {
            answer = send().await;
        }
        let answer = answer.map_err(|error| away(service, &method, &error))?;
        hand_back(service, answer)
    }
}

fn picked(from: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let pick = |name: &HeaderName| Some((name.clone(), from.get(name)?.clone()));
    names.iter().filter_map(pick).collect()
}

fn hand_back(service: Service, answer: reqwest::Response) -> Result<Response, Problem> {
    let length = answer.content_length().unwrap_or(0);
    if length > u64::try_from(MAX_ANSWER_LENGTH).unwrap_or(u64::MAX) {
        let detail = format!("{} answers with more than is handed back", service.name());
        return Err(Problem::of(BAD_GATEWAY).with_detail(detail));
    }
    let (status, headers) = (answer.status(), picked(answer.headers(), &HANDED_BACK));
    let is_stream = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes()));
    let body = reqwest::Body::from(answer);
    let body = if is_stream {
        Body::new(body)
    } else {
        Body::new(Limited::new(body, MAX_ANSWER_LENGTH))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Whether the connection ended before there was an answer, as one that was kept does when the service ends it at that moment: whoever reads
/// only may ask again (RFC 9110, 9.2.2).
fn is_cut_off(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// 503 when nothing was asked of the service, or nothing but to be read, so that it can be asked again; else 502: it may have acted.
fn away(service: Service, method: &Method, error: &reqwest::Error) -> Problem {
    tracing::warn!(service = service.name(), %error, "a request that was handed on was not answered");
    let name = service.name();
    if error.is_connect() {
        let detail = format!("{name} cannot be reached; try again");
        return Problem::unavailable(SERVICE_UNAVAILABLE, detail, 1);
    }
    if method.is_safe() {
        let detail = format!("{name} did not answer; try again");
        return Problem::unavailable(SERVICE_UNAVAILABLE, detail, 1);
    }
    let detail = format!("{name} did not answer; it may have acted: look at its audit");
    Problem::of(BAD_GATEWAY).with_detail(detail)
}

fn unreadable(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::of(code::BODY_TOO_LARGE)
            .with_detail("the body is longer than this path takes");
    }
    Problem::of(code::UNREADABLE_BODY).with_detail("the body ended before it was complete")
}
