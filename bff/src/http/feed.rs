//! `GET /api/v1/events/stream`: what happens, as server-sent events.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chassis::auth::Caller;
use chassis::http::Holder;
use chassis::openapi::{Forbidden, Problems};
use chassis::params::{Query, parameter};
use chassis::problem::{Code, FieldProblem, Problem, code};
use futures::StreamExt;
use schemas::KINDS;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Bff;
use crate::feed::{Cursor, Filter, Listener, Sent};
use crate::related::visible;

const FULL: Code = Code::new(
    503,
    "too_many_listeners",
    "Too many listen to what happens; try again.",
);
chassis::refuses!(TooManyListeners: FULL);

/// Proxies that gather answers would hold events back.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Kinds of one question at most.
const MAX_KINDS: usize = 50;

/// Its route.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(stream_events))
}

/// What to hear of.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedFilter {
    /// Events of these types, with commas between them; absent: of all.
    #[param(example = "conversion.attributed.v1,commission.calculated.v1")]
    r#type: Option<String>,
    /// Events about this aggregate.
    subject: Option<String>,
    /// What this request caused.
    correlation_id: Option<Uuid>,
    /// Begin behind this cursor; absent: with what happens from now on. The header `Last-Event-ID` counts more.
    after: Option<String>,
}

/// How a client that was cut off goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "what it documents is read by `cursor`")]
struct GoOn {
    /// The `id` of the last event that the client has; counts more than `after`.
    #[param(rename = "Last-Event-ID", value_type = Option<String>)]
    last_event_id: Option<String>,
}

/// What happens in all services, as it is folded here: of each event what the caller may see. The `id` of an event is a cursor over all services:
/// who was cut off shows it in `Last-Event-ID` and goes on without a gap or a repeat, at whichever process. An `id` without data says how far the stream
/// is when there was nothing to tell. After ten minutes, or when the client takes events more slowly than they happen, the stream ends, and the client
/// comes back with its cursor and a token that holds.
#[utoipa::path(
    get, path = "/api/v1/events/stream", tag = "feed", params(FeedFilter, GoOn),
    responses((status = 200, content_type = "text/event-stream", body = String), Problems<(Forbidden, TooManyListeners)>),
    security(("bearer" = []))
)]
pub(crate) async fn stream_events(
    State(bff): State<Bff>,
    caller: Caller,
    Query(query): Query<FeedFilter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.scope()?;
    let cursor = cursor(&headers, query.after.as_deref())?;
    let filter = Filter {
        viewer: visible::viewer(&caller),
        kinds: kinds(query.r#type.as_deref())?,
        subject: query.subject,
        correlation_id: query.correlation_id,
    };
    let holders = Holder::of(&caller);
    let full = || Problem::unavailable(FULL, "too many listen; try again", 5);
    let listener = bff.feed.listen(holders, cursor, filter).ok_or_else(full)?;
    let sent = futures::stream::unfold(listener, Listener::next);
    let events = sent.map(|sent| Ok::<_, Infallible>(event(sent)));
    let mut answer = Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response();
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(answer)
}

fn event(sent: Sent) -> Event {
    match sent {
        Sent::Event { kind, data, cursor } => Event::default().id(cursor).event(kind).data(data),
        Sent::Heartbeat { cursor } => Event::default().id(cursor),
    }
}

fn kinds(names: Option<&str>) -> Result<Vec<String>, Problem> {
    let names: Vec<String> = names.map_or_else(Vec::new, |names| {
        names.split(',').map(ToOwned::to_owned).collect()
    });
    let is_event = |name: &String| KINDS.iter().any(|kind| !kind.command && kind.name == *name);
    if names.len() > MAX_KINDS {
        return Err(parameter("type", "names more than 50 types"));
    }
    match names.iter().find(|name| !is_event(name)) {
        Some(_) => Err(parameter("type", "names a type of event that there is not")),
        None => Ok(names),
    }
}

/// Where a client that was cut off had come to.
fn cursor(headers: &HeaderMap, after: Option<&str>) -> Result<Option<Cursor>, Problem> {
    let what = "must be an id of this stream";
    if let Some(value) = headers.get("last-event-id") {
        let cursor = value.to_str().ok().and_then(Cursor::parse);
        let wrong = || {
            Problem::of(code::INVALID_HEADER)
                .with_detail("a header is not acceptable; see errors")
                .with_error(FieldProblem::parameter("Last-Event-ID", what))
        };
        return cursor.map(Some).ok_or_else(wrong);
    }
    let cursor = after.map(|text| Cursor::parse(text).ok_or_else(|| parameter("after", what)));
    cursor.transpose()
}
