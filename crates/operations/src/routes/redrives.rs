//! `…/redrives`: redriving many messages, at a rate.

use std::sync::Arc;

use axum::extract::State;
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::params::Path;
use chassis::problem::{Fields, Problem};
use chassis::time::Timestamp;
use serde::{Deserialize, Serialize};
use types::Micros;
use utoipa::ToSchema;
use uuid::Uuid;

use super::retry_queue::RetryQueueFilter;
use super::{NotNow, refused};
use crate::operator::{Operator, Reason};
use crate::process::Process;
use crate::retry_queue::acts::By;
use crate::retry_queue::redrive::{self, MAX_RATE, Redrive};
use crate::unread::OrUnread;

const DEFAULT_RATE: i32 = 50;
/// The most redrives that are listed.
const MAX_LISTED: i64 = 50;

/// What to redrive.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartRedrive {
    /// Which messages, as `…/parked` filters them; `{}` is every dead one.
    filter: RetryQueueFilter,
    /// Messages a second: 1 to 10,000, 50 when absent. What waits behind them follows at once.
    #[schema(minimum = 1, maximum = 10_000, default = 50)]
    rate: Option<i32>,
    /// In the operator's own words, for the audit.
    reason: Text<500>,
}

impl Check for StartRedrive {
    fn check(&self, fields: &mut Fields) {
        let rate = self.rate.unwrap_or(DEFAULT_RATE);
        let fits = (1..=MAX_RATE).contains(&rate);
        fields.require(fits, "/rate", "must be 1 to 10000 messages a second");
    }
}

chassis::closed_lists! {
    /// How a redrive is.
    pub(crate) RedriveState of redrive::State;
}

/// A redrive and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RedriveView {
    id: Uuid,
    #[schema(value_type = RedriveState)]
    state: String,
    rate: i32,
    /// How many messages it is for.
    total: i64,
    /// How many left the table.
    done: i64,
    /// How many are dead again.
    failed: i64,
    /// How many are to come, are being tried, or wait for something else.
    left: i64,
    /// How many it left at its end, of kinds that the build that went on with it does not have: redrive them when every replica
    /// is of a build that has them.
    passed_over: i64,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl From<Redrive> for RedriveView {
    fn from(redrive: Redrive) -> Self {
        Self {
            id: redrive.id,
            state: redrive.state,
            rate: redrive.rate,
            total: redrive.total,
            done: redrive.done,
            failed: redrive.failed,
            left: (redrive.total - redrive.done - redrive.failed).max(0),
            passed_over: redrive.passed_over,
            started_at: Timestamp(Micros(redrive.started_at)),
            ended_at: redrive.ended_at.map(|at| Timestamp(Micros(at))),
        }
    }
}

/// Begins to redrive messages, in order of arrival, at a rate. It survives restarts.
#[utoipa::path(
    post, path = "/redrives", tag = "operator", request_body = StartRedrive,
    responses((status = 200, body = RedriveView), Problems<NotNow>), security(("bearer" = []))
)]
pub(crate) async fn start_redrive(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(body): Json<StartRedrive>,
) -> Result<Json<RedriveView>, Problem> {
    let by = By {
        actor: operator.name(),
        reason: &body.reason,
    };
    let rate = body.rate.unwrap_or(DEFAULT_RATE);
    let id = redrive::start(
        &process.pool,
        &process.engine_writer,
        body.filter.into(),
        rate,
        by,
    )
    .await
    .map_err(|error| refused(&error))?;
    found(&process, id).await
}

/// The latest redrives, newest first.
#[utoipa::path(
    get, path = "/redrives", tag = "operator",
    responses((status = 200, body = Vec<RedriveView>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_redrives(
    State(process): State<Arc<Process>>,
) -> Result<Json<Vec<RedriveView>>, Problem> {
    let redrives = redrive::latest(&process.pool, MAX_LISTED)
        .await
        .or_unread()?;
    Ok(Json(redrives.into_iter().map(RedriveView::from).collect()))
}

/// A redrive and how far it is.
#[utoipa::path(
    get, path = "/redrives/{id}", tag = "operator", params(("id" = Uuid, Path)),
    responses((status = 200, body = RedriveView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_redrive(
    State(process): State<Arc<Process>>,
    Path(id): Path<Uuid>,
) -> Result<Json<RedriveView>, Problem> {
    found(&process, id).await
}

/// Stops a redrive where it is. What it made due already is handled all the same.
#[utoipa::path(
    post, path = "/redrives/{id}/cancel", tag = "operator", params(("id" = Uuid, Path)), request_body = Reason,
    responses((status = 200, body = RedriveView), Problems<NotNow>), security(("bearer" = []))
)]
pub(crate) async fn cancel_redrive(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Path(id): Path<Uuid>,
    Json(body): Json<Reason>,
) -> Result<Json<RedriveView>, Problem> {
    let by = operator.by(&body);
    redrive::cancel(&process.pool, &process.engine_writer, id, by)
        .await
        .map_err(|error| refused(&error))?;
    found(&process, id).await
}

async fn found(process: &Process, id: Uuid) -> Result<Json<RedriveView>, Problem> {
    let redrive = redrive::find(&process.pool, id).await.or_unread()?;
    let redrive = redrive.ok_or_else(Problem::not_found)?;
    Ok(Json(redrive.into()))
}
