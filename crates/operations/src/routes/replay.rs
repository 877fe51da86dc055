//! `…/replays`: tables made again from the log, compared with the live ones or put in their place.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::params::Path;
use chassis::problem::{Code, Fields, Problem};
use chassis::time::Timestamp;
use messaging::{Lookups, WriteTx, audit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::Micros;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::operator::{Operator, Reason};
use crate::process::Process;
use crate::replay::{self, JobRow, Kind, Order, Phase, ReplayError};
use crate::unread::{OrUnread, unread};

const UNDER_WAY: Code = Code::new(
    409,
    "replay_under_way",
    "One at a time: another replay is not done yet.",
);
chassis::refuses!(Busy: UNDER_WAY);

/// Jobs that a list shows.
const SHOWN: i64 = 20;

chassis::closed_lists! {
    /// What is to be done with the tables that are made again.
    pub(crate) ReplayKind of Kind;
    /// How far a replay is; `interrupted` when its process is gone.
    pub(crate) ReplayPhase of Phase;
}

/// A replay that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartReplay {
    #[schema(value_type = ReplayKind)]
    kind: Kind,
    /// For the audit: a swap needs one.
    reason: Option<Text<500>>,
}

impl Check for StartReplay {
    fn check(&self, fields: &mut Fields) {
        let has_reason = self.kind == Kind::Verify || self.reason.is_some();
        fields.require(has_reason, "/reason", "a swap needs a reason");
    }
}

/// A replay as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayView {
    id: Uuid,
    #[schema(value_type = ReplayKind)]
    kind: String,
    /// The operator's token subject.
    actor: String,
    reason: String,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    #[schema(value_type = ReplayPhase)]
    phase: String,
    /// Messages folded so far.
    events: i64,
    /// Their sizes.
    bytes: i64,
    /// How far it is: a position of the log, or messages of what is followed.
    done: i64,
    /// How far it has to come. Writers may move it.
    target: i64,
    /// Once it is done: each table with its rows on both sides, how many differ and the first of them; where replaced
    /// tables are kept.
    #[schema(value_type = Option<Object>)]
    report: Value,
    /// Why it failed.
    error: Option<String>,
}

/// Replays, and what there is to know for the next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplaysView {
    /// The fold of this build.
    fold_version: i32,
    /// The oldest fold that rows of the tables in place may be of. Another: they are to be made again.
    tables_fold_version: i32,
    /// Old tables that swaps left, oldest first.
    replaced: Vec<ReplacedView>,
    /// The last replays, newest first.
    replays: Vec<ReplayView>,
}

/// Old tables that a swap left.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplacedView {
    /// The Postgres schema that they stand in.
    #[schema(example = "replaced_20261120_131500_000")]
    name: String,
    bytes: i64,
}

/// Which fold made the tables, what swaps left, and the last replays.
#[utoipa::path(
    get, path = "/replays", tag = "operator",
    responses((status = 200, body = ReplaysView), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_replays(
    State(process): State<Arc<Process>>,
) -> Result<Json<ReplaysView>, Problem> {
    let failed = |error: sqlx::Error| unread(&error);
    let jobs = replay::list(&process.pool, SHOWN).await.map_err(failed)?;
    let replaced = replay::replaced_schemas(&process.pool)
        .await
        .map_err(failed)?;
    Ok(Json(ReplaysView {
        fold_version: process.replays.fold_version,
        tables_fold_version: replay::fold_version(&process.pool).await.map_err(failed)?,
        replaced: replaced
            .into_iter()
            .map(|(name, bytes)| ReplacedView { name, bytes })
            .collect(),
        replays: jobs.into_iter().map(ReplayView::from).collect(),
    }))
}

/// Has the tables made again beside the running service. One at a time: 409 `replay_under_way`.
#[utoipa::path(
    post, path = "/replays", tag = "operator", request_body = StartReplay,
    responses((status = 202, body = ReplayView, headers(("Location" = String, description = "Where to see how far it is"))), Problems<Busy>), security(("bearer" = []))
)]
pub(crate) async fn start_replay(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(request): Json<StartReplay>,
) -> Result<Response, Problem> {
    let id = Uuid::now_v7();
    let order = Order {
        id,
        kind: request.kind,
        actor: operator.name().to_owned(),
        reason: request.reason.map(Text::into_string).unwrap_or_default(),
    };
    process
        .replays
        .orders
        .give(order)
        .await
        .map_err(|error| refused(&error))?;
    let job = replay::find(&process.pool, id).await.or_unread()?;
    let job = job.ok_or_else(Problem::not_found)?;
    let location = format!("/api/v1/operator/{}/replays/{id}", process.service().name());
    let body = Json(ReplayView::from(job));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response())
}

fn refused(error: &ReplayError) -> Problem {
    match error {
        ReplayError::Busy => Problem::of(UNDER_WAY).with_detail(error.to_string()),
        ReplayError::Sql(error) => unread(error),
        error => Problem::internal(error),
    }
}

/// How far a replay is, or what it came to.
#[utoipa::path(
    get, path = "/replays/{id}", tag = "operator", params(("id" = Uuid, Path)),
    responses((status = 200, body = ReplayView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_replay(
    State(process): State<Arc<Process>>,
    Path(id): Path<Uuid>,
) -> Result<Json<ReplayView>, Problem> {
    let job = replay::find(&process.pool, id).await.or_unread()?;
    Ok(Json(job.ok_or_else(Problem::not_found)?.into()))
}

/// Removes old tables that a swap left, for good.
#[utoipa::path(
    post, path = "/replays/replaced/{name}/drop", tag = "operator", params(("name" = String, Path)),
    request_body = Reason, responses((status = 204), Problems), security(("bearer" = []))
)]
pub(crate) async fn drop_replaced(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Path(name): Path<String>,
    Json(why): Json<Reason>,
) -> Result<StatusCode, Problem> {
    let failed = |error: sqlx::Error| unread(&error);
    let begun = WriteTx::begin(&process.pool, &process.writer, Lookups::default()).await;
    let mut tx = begun.map_err(failed)?;
    if !replay::drop_replaced(&mut tx, &name)
        .await
        .map_err(failed)?
    {
        return Err(Problem::not_found());
    }
    let (at, reason) = (tx.now(), why.reason.into_string());
    let act = audit::Act {
        actor: operator.name(),
        action: "replay.drop",
        target: name,
        reason: &reason,
        detail: json!({}),
    };
    audit::record(tx.connection(), at, &act)
        .await
        .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<JobRow> for ReplayView {
    fn from(job: JobRow) -> Self {
        let report = job.report.as_deref().map(serde_json::from_str);
        Self {
            id: job.id,
            kind: job.kind,
            actor: job.actor,
            reason: job.reason,
            started_at: Timestamp(Micros(job.started_at)),
            finished_at: job.finished_at.map(|at| Timestamp(Micros(at))),
            phase: job.phase,
            events: job.events,
            bytes: job.bytes,
            done: job.done,
            target: job.target,
            report: report.transpose().ok().flatten().unwrap_or_default(),
            error: job.error,
        }
    }
}
