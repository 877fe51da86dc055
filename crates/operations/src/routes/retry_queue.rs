//! `…/parked`: what is in the retry queue, counted, listed and shown. Sealed payment details stay hidden.

use std::sync::Arc;

use axum::extract::State;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::page::{List, Page, PageQuery};
use chassis::params::{Path, Query};
use chassis::problem::{Code, Problem};
use chassis::time::Timestamp;
use messaging::retry_queue::{self, RetryRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::Micros;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::audit::ActView;
use crate::audit;
use crate::process::Process;
use crate::retry_queue::look;
use crate::unread::{OrUnread, unread_schema};

const AMBIGUOUS: Code = Code::new(
    409,
    "ambiguous",
    "Two senders took the same message id: say which `source`.",
);
chassis::refuses!(pub(super) Ambiguous: AMBIGUOUS);

/// The most neighbours and acts that are shown with a message.
const MAX_SHOWN: i64 = 50;

/// A message that is in the retry queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetryQueueEntry {
    message_id: Uuid,
    /// Who sent it, or says so.
    source: String,
    /// `null` when it cannot be read.
    #[schema(example = "campaign.accept.command.v1")]
    r#type: Option<String>,
    /// The topic whose schema it was written with.
    topic: String,
    /// What the subject is the id of; `null` when that is not known: then it blocks whatever has the subject.
    #[schema(example = "conversion")]
    entity: Option<String>,
    /// The aggregate that it blocks.
    subject: Option<String>,
    #[schema(value_type = RetryQueueState)]
    state: String,
    reason: String,
    /// What it waits for.
    waiting_for: Option<String>,
    /// Failed attempts.
    attempts: i32,
    /// When it went to the retry queue first.
    parked_at: Timestamp,
    /// When it is tried next; `null` when it is not.
    next_at: Option<Timestamp>,
    /// When waiting ends.
    deadline: Option<Timestamp>,
    #[schema(
        pattern = "^(local|stream|unknown|producer:[^:]+:.+)$",
        example = "stream"
    )]
    /// Who sent it: `local` this service, `stream` the service that is its source, `producer:NAME:BRAND` a producer by its key, `unknown` nobody known.
    origin: String,
    /// How often an operator edited or redrove it.
    edition: i32,
}

/// A message that is in the retry queue, in full.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetryQueueDetail {
    #[serde(rename = "parked")]
    entry: RetryQueueEntry,
    /// As the schema that wrote it reads it; `null` when it cannot be read.
    #[schema(value_type = Option<Object>)]
    message: Option<Value>,
    /// Why it cannot be read.
    unreadable: Option<String>,
    /// How long it is.
    bytes: usize,
    /// What is handled before it, of the same aggregate.
    ahead: Vec<RetryQueueEntry>,
    /// What waits behind it.
    behind: Vec<RetryQueueEntry>,
    /// What operators did with it, newest first.
    acts: Vec<ActView>,
}

/// How many messages have something in common.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountView {
    name: String,
    messages: i64,
    /// When the oldest of them went to the retry queue.
    oldest: Timestamp,
}

/// The retry queue, counted; the most frequent first, at most 50 of each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CountsView {
    states: Vec<CountView>,
    /// By type; empty for what cannot be read.
    types: Vec<CountView>,
    /// By reason, with ids and numbers blanked.
    reasons: Vec<CountView>,
}

chassis::closed_lists! {
    /// The states of what is in the retry queue.
    pub(crate) RetryQueueState of retry_queue::State;
}

/// Which messages.
#[derive(Debug, Default, Clone, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RetryQueueFilter {
    /// Only those in this state.
    #[param(inline, value_type = Option<RetryQueueState>)]
    #[schema(value_type = Option<RetryQueueState>)]
    pub(crate) state: Option<retry_queue::State>,
    /// Only those whose reason contains this, in whatever case.
    pub(crate) reason: Option<String>,
    /// Only of this type.
    pub(crate) r#type: Option<String>,
    /// Only from this source.
    pub(crate) source: Option<String>,
    /// Only about this aggregate.
    pub(crate) subject: Option<String>,
    /// Only those that went to the retry queue before this moment.
    pub(crate) before: Option<Timestamp>,
}

/// Whose message, when two have the same id.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfSource {
    /// Who sent it; needed only when two senders took the same id.
    pub(crate) source: Option<String>,
}

impl From<RetryQueueFilter> for look::Filter {
    fn from(filter: RetryQueueFilter) -> Self {
        Self {
            state: filter.state.map(|state| state.name().to_owned()),
            reason: filter.reason,
            kind: filter.r#type,
            source: filter.source,
            subject: filter.subject,
            before: filter.before.map(|before| before.0.0),
        }
    }
}

impl From<RetryRow> for RetryQueueEntry {
    fn from(row: RetryRow) -> Self {
        let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
        let tried = matches!(row.state.as_str(), "waiting" | "retrying");
        Self {
            message_id: row.message_id,
            source: row.source,
            r#type: header["type"].as_str().map(str::to_owned),
            topic: row.topic,
            entity: row.entity,
            subject: row.subject,
            state: row.state,
            reason: row.reason,
            waiting_for: row.waiting_for,
            attempts: row.attempts,
            parked_at: Timestamp(Micros(row.parked_at)),
            next_at: tried.then_some(Timestamp(Micros(row.next_at))),
            deadline: row.deadline.map(|at| Timestamp(Micros(at))),
            origin: row.origin,
            edition: row.edition,
        }
    }
}

impl From<look::Count> for CountView {
    fn from(count: look::Count) -> Self {
        Self {
            name: count.name,
            messages: count.rows,
            oldest: Timestamp(Micros(count.oldest)),
        }
    }
}

/// The retry queue, newest first.
#[utoipa::path(
    get, path = "/parked", operation_id = "list_parked", tag = "operator", params(PageQuery, RetryQueueFilter),
    responses((status = 200, body = Page<RetryQueueEntry>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_retry_queue(
    State(process): State<Arc<Process>>,
    list: List<RetryQueueFilter>,
) -> Result<Page<RetryQueueEntry>, Problem> {
    let filter = list.filter.into();
    let rows = look::list(&process.pool, &filter, list.page.below(), list.page.rows())
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.arrival,
        RetryQueueEntry::from,
    ))
}

/// How much is in the retry queue: by state, by type and by class of reasons.
#[utoipa::path(
    get, path = "/parked/counts", operation_id = "count_parked", tag = "operator", params(RetryQueueFilter),
    responses((status = 200, body = CountsView), Problems), security(("bearer" = []))
)]
pub(crate) async fn count_retry_queue(
    State(process): State<Arc<Process>>,
    Query(filter): Query<RetryQueueFilter>,
) -> Result<Json<CountsView>, Problem> {
    let counts = look::count(&process.pool, &filter.into())
        .await
        .or_unread()?;
    let views = |counts: Vec<look::Count>| counts.into_iter().map(CountView::from).collect();
    Ok(Json(CountsView {
        states: views(counts.states),
        types: views(counts.kinds),
        reasons: views(counts.reasons),
    }))
}

/// One message in full: read by the schema that wrote it, with what is ahead of it and behind it.
#[utoipa::path(
    get, path = "/parked/{id}", operation_id = "show_parked", tag = "operator", params(("id" = Uuid, Path), OfSource),
    responses((status = 200, body = RetryQueueDetail), Problems<Ambiguous>), security(("bearer" = []))
)]
pub(crate) async fn show_in_retry_queue(
    State(process): State<Arc<Process>>,
    Path(id): Path<Uuid>,
    Query(of): Query<OfSource>,
) -> Result<Json<RetryQueueDetail>, Problem> {
    let row = find(&process, id, of.source.as_deref()).await?;
    detail(&process, row).await.map(Json)
}

/// The row of a message id.
pub(super) async fn find(
    process: &Process,
    id: Uuid,
    source: Option<&str>,
) -> Result<RetryRow, Problem> {
    let mut rows = look::find(&process.pool, id, source).await.or_unread()?;
    match (rows.pop(), rows.pop()) {
        (Some(row), None) => Ok(row),
        (Some(one), Some(other)) => {
            let detail = format!(
                "{} and {} sent messages with this id: say which source",
                other.source, one.source
            );
            Err(super::conflict(AMBIGUOUS, detail))
        }
        (None, _) => Err(super::not_in_retry_queue()),
    }
}

pub(super) async fn detail(process: &Process, row: RetryRow) -> Result<RetryQueueDetail, Problem> {
    let schema = process.schema_ids().get(&process.pool, row.schema_id).await;
    let schema = schema.map_err(|error| unread_schema(&error))?;
    let shown = schemas::show(&schema, &row.body);
    let around = look::around(&process.pool, &row, MAX_SHOWN)
        .await
        .or_unread()?;
    let (ahead, behind): (Vec<_>, Vec<_>) = around
        .into_iter()
        .partition(|other| other.arrival < row.arrival);
    let of_it = audit::Filter {
        target: Some(row.message_id.to_string()),
        ..audit::Filter::default()
    };
    let acts = audit::list(&process.pool, &of_it, i64::MAX, MAX_SHOWN)
        .await
        .or_unread()?;
    Ok(RetryQueueDetail {
        bytes: row.body.len(),
        unreadable: shown.as_ref().err().map(ToString::to_string),
        message: shown.ok(),
        ahead: ahead.into_iter().map(RetryQueueEntry::from).collect(),
        behind: behind.into_iter().map(RetryQueueEntry::from).collect(),
        acts: acts.into_iter().map(ActView::from).collect(),
        entry: row.into(),
    })
}
