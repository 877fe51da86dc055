//! `…/clock`: the time by which a service decides, in the local profile alone. See docs/decisions/0064-test-clock.md.

use std::sync::Arc;

use axum::extract::State;
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::problem::{Code, Fields, Problem};
use chassis::time::Timestamp;
use messaging::audit::{self, Act};
use messaging::clock::{self, ClockState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::Micros;
use types::clock::Offset;
use utoipa::ToSchema;

use super::conflict;
use crate::operator::{Operator, Reason};
use crate::process::Process;
use crate::unread::OrUnread;

const BACKWARD: Code = Code::new(
    409,
    "clock_goes_forward",
    "The test clock is ahead of that already: it is moved forward alone, or reset.",
);
chassis::refuses!(Backward: BACKWARD);

/// Where a service's test clock stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClockView {
    /// The time by which it decides.
    now: Timestamp,
    /// What is added to real time; negative in a stack that began in the past.
    #[schema(example = 1_209_600)]
    offset_seconds: i64,
    /// The same, as a person says it.
    #[schema(example = "+14 days")]
    offset: String,
    /// The time of its log's end, before which nothing is decided. After a reset it may be ahead: then `now` stands still until real
    /// time is there.
    last_time: Timestamp,
    /// Whether `now` stands still.
    stands_still: bool,
}

/// Where the test clock is moved to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveClock {
    /// What is to be added to real time, so that saying it again moves nothing more. At most ten years.
    #[schema(example = 1_209_600)]
    offset_seconds: i64,
    /// Why, for the audit.
    reason: Text<500>,
}

impl Check for MoveClock {
    fn check(&self, fields: &mut Fields) {
        let within = Offset::of_seconds(self.offset_seconds).is_some();
        fields.require(within, "/offset_seconds", "must be ten years at most");
    }
}

impl From<ClockState> for ClockView {
    fn from(at: ClockState) -> Self {
        Self {
            now: Timestamp(Micros(at.now)),
            offset_seconds: at.offset().seconds(),
            offset: at.offset().to_string(),
            last_time: Timestamp(Micros(at.last_time)),
            stands_still: at.now == at.last_time,
        }
    }
}

/// The time by which this service decides, and how far it is from real time.
#[utoipa::path(
    get, path = "/clock", tag = "operator",
    responses((status = 200, body = ClockView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_clock(
    State(process): State<Arc<Process>>,
) -> Result<Json<ClockView>, Problem> {
    let state = clock::state(&process.pool).await;
    Ok(Json(state.or_unread()?.into()))
}

/// Moves the time by which this service decides to so far from real time, never back.
#[utoipa::path(
    post, path = "/clock", tag = "operator", request_body = MoveClock,
    responses((status = 200, body = ClockView), Problems<Backward>), security(("bearer" = []))
)]
pub(crate) async fn move_clock(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(wanted): Json<MoveClock>,
) -> Result<Json<ClockView>, Problem> {
    let to = Offset::of_seconds(wanted.offset_seconds).unwrap_or_default();
    let act = ("clock.advance", operator.name(), &*wanted.reason);
    set(&process, to, true, act).await
}

/// Takes the test clock back to real time. A log's times never go back: if its end is ahead, all that is decided until then has the
/// time of its end.
#[utoipa::path(
    delete, path = "/clock", tag = "operator", request_body = Reason,
    responses((status = 200, body = ClockView), Problems), security(("bearer" = []))
)]
pub(crate) async fn reset_clock(
    State(process): State<Arc<Process>>,
    operator: Operator,
    Json(why): Json<Reason>,
) -> Result<Json<ClockView>, Problem> {
    let act = ("clock.reset", operator.name(), &*why.reason);
    set(&process, Offset::default(), false, act).await
}

/// Sets it, notes the act, and has what waits for its time look again.
async fn set(
    process: &Process,
    to: Offset,
    forward: bool,
    (action, actor, reason): (&'static str, &str, &str),
) -> Result<Json<ClockView>, Problem> {
    let begun = messaging::begin(&process.pool, "BEGIN").await;
    let mut tx = begun.or_unread()?;
    let Some((before, after)) = clock::set(&mut tx, to, forward).await.or_unread()? else {
        let detail = format!("it is ahead of {to} already");
        return Err(conflict(BACKWARD, detail));
    };
    if before.offset() != after.offset() {
        let act = Act {
            actor,
            action,
            target: format!("from {} to {to}", before.offset()),
            reason,
            detail: json!({"from_seconds": before.offset().seconds(), "to_seconds": to.seconds()}),
        };
        audit::record(&mut tx, Micros(after.now), &act)
            .await
            .or_unread()?;
    }
    tx.commit().await.or_unread()?;
    after.take_over();
    process.retry_queue_changed.notify_one();
    Ok(Json(after.into()))
}
