//! `…/events/live`: the log as server-sent events, from a position on and then as it grows.
//!
//! A client is sent what it takes: nothing is read ahead of it but one small page, so a slow one costs no memory.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chassis::auth::MAX_STREAM_AGE;
use chassis::openapi::Problems;
use chassis::params::Query;
use chassis::problem::{Code, FieldProblem, Problem, code};
use messaging::log::{self, LogRow};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::event_store::{self, Filter, Way};
use crate::process::Process;
use crate::unread::OrUnread;

const FULL: Code = Code::new(
    503,
    "too_many_streams",
    "Too many live streams; try again, or read the log in pages.",
);
chassis::refuses!(TooManyStreams: FULL);

/// Streams of one process at once.
static STREAMS: Semaphore = Semaphore::const_new(32);
/// Rows read ahead of a client at most.
const AHEAD: i64 = 50;
/// How often the log is looked at when nothing notifies of news: another replica may have written.
const POLL: Duration = Duration::from_millis(500);
/// A silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which messages, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LiveFilter {
    /// Only those about this aggregate.
    subject: Option<String>,
    /// Only what this request caused.
    correlation_id: Option<Uuid>,
    /// Only of this type.
    r#type: Option<String>,
    /// Begin behind this position, 0 for the whole log; without it with what comes from now on. The header
    /// `Last-Event-ID` of a client that was cut off counts more.
    after: Option<i64>,
}

/// How a client that was cut off goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "what it documents is read by `last_event_id`")]
struct GoOn {
    /// The position that the client had come to; counts more than `after`.
    #[param(rename = "Last-Event-ID", value_type = Option<i64>, minimum = 0)]
    last_event_id: Option<i64>,
}

/// Messages as they are committed, each with its position as the event's id.
#[utoipa::path(
    get, path = "/events/live", tag = "operator", params(LiveFilter, GoOn),
    responses((status = 200, content_type = "text/event-stream", body = String), Problems<TooManyStreams>),
    security(("bearer" = []))
)]
pub(crate) async fn live_events(
    State(process): State<Arc<Process>>,
    Query(query): Query<LiveFilter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let full = || Problem::unavailable(FULL, "too many live streams; try again", 5);
    let permit = STREAMS.try_acquire().map_err(|_| full())?;
    let at = match last_event_id(&headers)?.or(query.after) {
        Some(position) => position,
        None => log::head(&process.pool).await.or_unread()?,
    };
    let reader = Reader {
        news: process.committed.subscribe(),
        process,
        filter: Filter {
            subject: query.subject,
            correlation_id: query.correlation_id,
            kind: query.r#type,
        },
        at,
        ready: VecDeque::new(),
        since: Instant::now(),
        has_ended: false,
        _permit: permit,
    };
    let events = futures::stream::unfold(reader, Reader::next);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// Where a client that was cut off had come to.
fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    let position = position.filter(|position: &i64| *position >= 0);
    let wrong = || {
        Problem::of(code::INVALID_HEADER)
            .with_detail("a header is not acceptable; see errors")
            .with_error(FieldProblem::parameter(
                "Last-Event-ID",
                "must be a position",
            ))
    };
    position.map(Some).ok_or_else(wrong)
}

struct Reader {
    process: Arc<Process>,
    filter: Filter,
    /// Everything up to here was sent or is not asked for.
    at: i64,
    ready: VecDeque<LogRow>,
    news: watch::Receiver<i64>,
    since: Instant,
    has_ended: bool,
    _permit: SemaphorePermit<'static>,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if self.has_ended {
                return None;
            }
            if self.since.elapsed() > MAX_STREAM_AGE {
                // Whoever was sent nothing goes on from here, too.
                let unsent = self.ready.front();
                let at = unsent.map_or(self.at, |row| row.position - 1);
                self.has_ended = true;
                return Some((Ok(Event::default().id(at.to_string())), self));
            }
            if let Some(row) = self.ready.pop_front() {
                let shown =
                    event_store::shown(&self.process.pool, self.process.schema_ids(), &row).await;
                let event = Event::default()
                    .id(row.position.to_string())
                    .event(row.kind);
                return Some((Ok(event.data(shown.to_string())), self));
            }
            let way = Way::Above(self.at);
            match event_store::search(&self.process.pool, &self.filter, way, AHEAD).await {
                Ok(found) => {
                    self.at = found.searched;
                    self.ready = found.rows.into();
                    if !self.ready.is_empty() || found.next.is_some() {
                        continue;
                    }
                }
                Err(error) => tracing::debug!(%error, "a live stream waits for the database"),
            }
            let stop = self.process.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                _ = tokio::time::timeout(POLL, self.news.changed()) => {}
            }
        }
    }
}
