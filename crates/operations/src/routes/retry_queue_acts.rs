//! What operators do with one message that is in the retry queue: try it without effect, edit a copy, redrive it, drop it.

use std::sync::Arc;

use axum::extract::State;
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::params::{Path, Query};
use chassis::problem::Problem;
use messaging::DryRunResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::retry_queue::{Ambiguous, OfSource, RetryQueueDetail, RetryQueueState, detail, find};
use super::{NotNow, refused};
use crate::documents::RejectionName;
use crate::operator::{Operator, Reason};
use crate::process::Process;
use crate::retry_queue::acts::{self, ActError, By, Key};
use crate::retry_queue::dry_run;

/// A payload to try in the place of the message's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRun {
    /// As `show` has it, edited; absent: the message's own.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    payload: Option<Value>,
}

impl Check for DryRun {}

/// A payload to take the place of the message's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// As `show` has it, edited. What is hidden must be left as it is shown, and stays.
    #[schema(value_type = Object)]
    payload: Value,
    /// In the operator's own words, for the audit.
    reason: Text<500>,
}

impl Check for Edit {}

/// What handling the message would come to now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunView {
    outcome: DryRunOutcome,
    /// What would be emitted.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// With which code it would be refused.
    #[schema(value_type = Option<RejectionName>)]
    code: Option<String>,
    /// In which state it would go to the retry queue again.
    #[schema(value_type = Option<RetryQueueState>)]
    state: Option<&'static str>,
    /// Why it would be refused, parked, or fail.
    detail: Option<String>,
    /// What it would wait for.
    waiting_for: Option<String>,
}

/// What handling the message would come to.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DryRunOutcome {
    Handled,
    Rejected,
    #[serde(rename = "set_aside")]
    InRetryQueue,
    Skipped,
    Failed,
    /// A dependency is away.
    Unknown,
}

/// What may be done.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Redriven,
    Dropped,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActDone {
    message_id: Uuid,
    done: Act,
}

/// What handling the message would come to now, as if its turn had come. Nothing of it stays.
#[utoipa::path(
    post, path = "/parked/{id}/dry-run", operation_id = "dry_run_parked", tag = "operator", params(("id" = Uuid, Path), OfSource), request_body = DryRun,
    responses((status = 200, body = DryRunView), Problems<(Ambiguous, NotNow)>), security(("bearer" = []))
)]
pub(crate) async fn dry_run_in_retry_queue(
    State(process): State<Arc<Process>>,
    Path(id): Path<Uuid>,
    Query(of): Query<OfSource>,
    Json(body): Json<DryRun>,
) -> Result<Json<DryRunView>, Problem> {
    let row = find(&process, id, of.source.as_deref()).await?;
    let result = dry_run::run(
        &*process.dry_run,
        &process.pool,
        process.schema_ids(),
        &row,
        body.payload,
    )
    .await;
    result
        .map(|result| Json(result.into()))
        .map_err(|error| refused(&error))
}

/// Puts an edited payload in the place of the message's own. Id, type, subject and key stay, the old bytes are kept, and a
/// dead message stays dead until it is redriven.
#[utoipa::path(
    put, path = "/parked/{id}/payload", operation_id = "edit_parked", tag = "operator", params(("id" = Uuid, Path), OfSource), request_body = Edit,
    responses((status = 200, body = RetryQueueDetail), Problems<(Ambiguous, NotNow)>), security(("bearer" = []))
)]
pub(crate) async fn edit_in_retry_queue(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Path(id): Path<Uuid>,
    Query(of): Query<OfSource>,
    Json(body): Json<Edit>,
) -> Result<Json<RetryQueueDetail>, Problem> {
    let key = key(&process, id, of).await?;
    let by = By {
        actor: operator.name(),
        reason: &body.reason,
    };
    acts::edit(
        &process.pool,
        &process.engine_writer,
        &key,
        by,
        body.payload,
    )
    .await
    .map_err(|error| refused(&error))?;
    let row = find(&process, id, Some(&key.source)).await?;
    detail(&process, row).await.map(Json)
}

/// Makes the message due at once; a dead one has all its attempts before it again. It stays in the order of its subject.
#[utoipa::path(
    post, path = "/parked/{id}/redrive", operation_id = "redrive_parked", tag = "operator", params(("id" = Uuid, Path), OfSource), request_body = Reason,
    responses((status = 200, body = ActDone), Problems<(Ambiguous, NotNow)>), security(("bearer" = []))
)]
pub(crate) async fn redrive_in_retry_queue(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Path(id): Path<Uuid>,
    Query(of): Query<OfSource>,
    Json(body): Json<Reason>,
) -> Result<Json<ActDone>, Problem> {
    let (key, by) = (key(&process, id, of).await?, operator.by(&body));
    let redriven = acts::redrive(&process.pool, &process.engine_writer, &key, by).await;
    done(&process, id, Act::Redriven, redriven)
}

/// Takes the message away for good and lets what waits behind it go. A command ends with the outcome `dropped`; the bytes
/// are kept beside the audit.
#[utoipa::path(
    post, path = "/parked/{id}/drop", operation_id = "drop_parked", tag = "operator", params(("id" = Uuid, Path), OfSource), request_body = Reason,
    responses((status = 200, body = ActDone), Problems<(Ambiguous, NotNow)>), security(("bearer" = []))
)]
pub(crate) async fn drop_in_retry_queue(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Path(id): Path<Uuid>,
    Query(of): Query<OfSource>,
    Json(body): Json<Reason>,
) -> Result<Json<ActDone>, Problem> {
    let (key, by) = (key(&process, id, of).await?, operator.by(&body));
    let dropped = acts::drop(&process.pool, &process.engine_writer, &key, by).await;
    if let Ok(position) = dropped
        && process.engine_writer.lock == messaging::Lock::Log
    {
        messaging::advance(&process.committed, position);
    }
    done(&process, id, Act::Dropped, dropped.map(|_| ()))
}

/// Returns what was done, and has what was behind the message looked at.
fn done(
    process: &Process,
    id: Uuid,
    done: Act,
    act: Result<(), ActError>,
) -> Result<Json<ActDone>, Problem> {
    act.map_err(|error| refused(&error))?;
    process.retry_queue_changed.notify_one();
    Ok(Json(ActDone {
        message_id: id,
        done,
    }))
}

async fn key(process: &Process, id: Uuid, of: OfSource) -> Result<Key, Problem> {
    let row = find(process, id, of.source.as_deref()).await?;
    Ok(Key {
        source: row.source,
        id,
    })
}

impl From<DryRunResult> for DryRunView {
    fn from(result: DryRunResult) -> Self {
        let plain = |outcome, detail| Self {
            outcome,
            events: Vec::new(),
            code: None,
            state: None,
            detail,
            waiting_for: None,
        };
        match result {
            DryRunResult::Handled(events) => Self {
                events,
                ..plain(DryRunOutcome::Handled, None)
            },
            DryRunResult::Rejected { code, detail } => Self {
                code: Some(code),
                ..plain(DryRunOutcome::Rejected, Some(detail))
            },
            DryRunResult::InRetryQueue {
                state,
                reason,
                waiting_for,
            } => Self {
                state: Some(state),
                waiting_for,
                ..plain(DryRunOutcome::InRetryQueue, Some(reason))
            },
            DryRunResult::Skipped => plain(DryRunOutcome::Skipped, None),
            DryRunResult::Failed { reason } => plain(DryRunOutcome::Failed, Some(reason)),
            DryRunResult::Outage { reason } => plain(DryRunOutcome::Unknown, Some(reason)),
        }
    }
}
