//! `/api/v1/operator/payment/payouts…`: whether money may leave, and what became of a payout of which nobody knows.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chassis::json::{Check, Json, Text};
use chassis::openapi::{Forbidden, Problems};
use chassis::params::Path;
use chassis::problem::{Code, Problem};
use chassis::time::Timestamp;
use messaging::audit::{self, Act};
use messaging::{Answer, Inbound, Lookups, WriteTx, clock};
use runtime::{Host, Operator, OrUnread, Reason};
use schemas::{Header, Message, RecordPayoutAnswerV1, Service, Topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::ids::derive;
use types::{Micros, PayoutId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::{Next, Payout, Status, Transitions};
use crate::store::{payout_details, payouts, switch};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(get_payout_switch))
        .routes(routes!(pause_payouts))
        .routes(routes!(resume_payouts))
        .routes(routes!(decide_payout))
}

const NOT_RECORDED: Code = Code::new(
    503,
    "not_recorded",
    "The decision was not recorded; decide again in a moment.",
);
const NOT_DONE: Code = Code::new(
    503,
    "decision_waits",
    "The decision waits in payment's retry queue, behind what waits there of this payout: it is done when that is redriven.",
);
const NOT_THERE: Code = Code::new(
    409,
    "payout_not_there",
    "Nobody decides upon this payout now: it is final, or the provider has the word.",
);
chassis::refuses!(Undecided: NOT_RECORDED, NOT_DONE, NOT_THERE);

/// Whether money may leave.
#[derive(Serialize, ToSchema)]
pub(crate) struct SwitchView {
    /// While paused, nothing is handed to the provider; what was handed over is looked up all the same.
    paused: bool,
    /// Since when; `null` when it was never turned.
    since: Option<Timestamp>,
    /// Who turned it last.
    by: Option<String>,
}

/// What became of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// The provider has paid it.
    Paid,
    /// It was not paid, and never will be: the money goes back to the partner.
    Failed,
    /// Ask the provider again, now.
    LookUp,
}

/// A decision, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    decision: Decision,
    /// In the operator's own words, for the audit: what was seen in the provider's records.
    reason: Text<500>,
}

impl Check for DecisionBody {}

/// How far a decision is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecisionState {
    Proposed,
    Decided,
}

/// What came of a decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decided {
    payout_id: String,
    decision: Decision,
    /// `proposed` until a second operator decides the same; then `decided`.
    state: DecisionState,
}

/// Whether money may leave.
#[utoipa::path(
    get, path = "/api/v1/operator/payment/payouts/switch", tag = "operator",
    responses((status = 200, body = SwitchView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn get_payout_switch(
    State(host): State<Host>,
    _: Operator,
) -> Result<Json<SwitchView>, Problem> {
    shown(&host).await
}

/// Hands nothing more to the provider, until payouts are resumed. Those in flight at this moment may still go.
#[utoipa::path(
    post, path = "/api/v1/operator/payment/payouts/pause", tag = "operator", request_body = Reason,
    responses((status = 200, body = SwitchView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn pause_payouts(
    State(host): State<Host>,
    operator: Operator,
    Json(body): Json<Reason>,
) -> Result<Json<SwitchView>, Problem> {
    turn(&host, true, &operator, &body).await
}

/// Lets money leave again.
#[utoipa::path(
    post, path = "/api/v1/operator/payment/payouts/resume", tag = "operator", request_body = Reason,
    responses((status = 200, body = SwitchView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn resume_payouts(
    State(host): State<Host>,
    operator: Operator,
    Json(body): Json<Reason>,
) -> Result<Json<SwitchView>, Problem> {
    turn(&host, false, &operator, &body).await
}

async fn turn(
    host: &Host,
    paused: bool,
    operator: &Operator,
    reason: &Reason,
) -> Result<Json<SwitchView>, Problem> {
    let turned = async {
        let mut tx = WriteTx::begin(host.pool(), host.writer(), Lookups::default()).await?;
        switch::turn(&mut tx, paused, operator.name()).await?;
        let act = Act {
            actor: operator.name(),
            action: if paused {
                "payouts.pause"
            } else {
                "payouts.resume"
            },
            target: "payouts".to_owned(),
            reason: &reason.reason,
            detail: json!({}),
        };
        let at = tx.now();
        audit::record(tx.connection(), at, &act).await?;
        tx.commit().await
    };
    turned
        .await
        .map_err(|error: sqlx::Error| runtime::unread(&error))?;
    shown(host).await
}

async fn shown(host: &Host) -> Result<Json<SwitchView>, Problem> {
    let switch = switch::read(host.pool()).await.or_unread()?;
    let turned = switch.since > 0;
    Ok(Json(SwitchView {
        paused: switch.paused,
        since: turned.then_some(Timestamp(Micros(switch.since))),
        by: turned.then_some(switch.actor),
    }))
}

/// Says what became of a payout that is `unknown`, of one that is `submitted` for longer than the provider remembers, or, while
/// payouts are paused, of any that is not final: of one that is `submitting` once they are for a minute, since it may be on its way. `paid` and `failed` move money for good: a second operator has to decide the same
/// before anything is done.
#[utoipa::path(
    post, path = "/api/v1/operator/payment/payouts/{id}/decide", tag = "operator", params(("id" = String, Path)),
    request_body = DecisionBody,
    responses((status = 200, body = Decided), (status = 202, body = Decided), Problems<(Forbidden, Undecided)>), security(("bearer" = []))
)]
pub(crate) async fn decide_payout(
    State(host): State<Host>,
    operator: Operator,
    Path(id): Path<PayoutId>,
    Json(body): Json<DecisionBody>,
) -> Result<Response, Problem> {
    let (payout, is_decided) = note(&host, &operator, &id, &body).await?;
    let answer = match body.decision {
        Decision::Paid => Some("paid"),
        Decision::Failed => Some("failed"),
        Decision::LookUp => None,
    };
    if let (Some(answer), true) = (answer, is_decided) {
        submit_answer(&host, &payout, answer, &operator).await?;
    }
    let (status, state) = if is_decided {
        (StatusCode::OK, DecisionState::Decided)
    } else {
        (StatusCode::ACCEPTED, DecisionState::Proposed)
    };
    let decided = Decided {
        payout_id: id.to_string(),
        decision: body.decision,
        state,
    };
    Ok((status, Json(decided)).into_response())
}

/// Notes the decision with its audit. Whether it is to be done now, and how the payout stands.
async fn note(
    host: &Host,
    operator: &Operator,
    id: &PayoutId,
    body: &DecisionBody,
) -> Result<(Payout, bool), Problem> {
    let sql = |error: sqlx::Error| runtime::unread(&error);
    let tx = WriteTx::begin(host.pool(), host.writer(), Lookups::default()).await;
    let mut tx = tx.map_err(sql)?;
    let stored = payouts::load(tx.connection(), &[id.to_string()]).await;
    let stored = stored.map_err(sql)?.pop().ok_or_else(Problem::not_found)?;
    let payout = stored.payout;
    let switch = switch::read(host.pool()).await.map_err(sql)?;
    let asks = body.decision == Decision::LookUp;
    let is_there = if asks {
        Transitions::of(payout.status).next == Next::LookUp
    } else {
        let clock = tx.clock();
        let paused_for = switch
            .paused
            .then(|| clock.micros_since(Micros(switch.since)));
        payout.may_be_decided(paused_for, tx.now())
    };
    if !is_there {
        return Err(not_there(payout.status));
    }
    let (decision, is_decided) = match body.decision {
        Decision::LookUp => {
            switch::look_up_now(&mut tx, &payout).await.map_err(sql)?;
            ("look_up", true)
        }
        Decision::Paid | Decision::Failed => {
            let name = if body.decision == Decision::Paid {
                "paid"
            } else {
                "failed"
            };
            let proposed = switch::propose(&mut tx, &payout, name, operator.name());
            (name, proposed.await.map_err(sql)?)
        }
    };
    let act = Act {
        actor: operator.name(),
        action: if is_decided {
            "payouts.decide"
        } else {
            "payouts.propose"
        },
        target: id.to_string(),
        reason: &body.reason,
        detail: json!({ "decision": decision, "event": payout.last_event }),
    };
    let at = tx.now();
    audit::record(tx.connection(), at, &act)
        .await
        .map_err(sql)?;
    tx.commit().await.map_err(sql)?;
    Ok((payout, is_decided))
}

/// Records the answer as the provider's own would be; it names the event that was decided upon. Refused when the payout
/// has moved on since: the provider's own answer may have come first.
async fn submit_answer(
    host: &Host,
    payout: &Payout,
    answer: &str,
    operator: &Operator,
) -> Result<(), Problem> {
    let event = payout.last_event;
    let id = derive(&["operator-decision", &event.to_string(), answer]);
    let correlation_id = payout_details::correlation_id(host.pool(), &payout.id).await;
    let correlation_id = correlation_id.or_unread()?.unwrap_or(id);
    let header = Header {
        id,
        kind: "payment.record_payout_answer.command.v1".to_owned(),
        source: Service::Payment.name().to_owned(),
        subject: payout.id.to_string(),
        key: payout.partner.to_string(),
        time: clock::now(),
        epoch: None,
        sequence: None,
        correlation_id,
        causation_id: Some(event),
        outcome_of: None,
        actor: Some(runtime::actor(operator.caller())),
        traceparent: None,
    };
    let body = RecordPayoutAnswerV1 {
        answer: answer.to_owned(),
        provider_ref: None,
        // The partner sees this; what operators say among themselves stays in the audit.
        reason: Some("an operator decided so".to_owned()),
    };
    let message = Message {
        header,
        body: body.into(),
    };
    let inbound = Inbound::local(Topic::PaymentCommands, message, None);
    let full = || {
        Problem::unavailable(
            NOT_RECORDED,
            "it was not recorded; decide again in a moment",
            1,
        )
    };
    let answers = host.flow().offer(vec![inbound]).map_err(|_| full())?;
    let answers = answers.await.map_err(|_| full())?;
    let in_queue = |it: &Answer| matches!(it, Answer::InRetryQueue | Answer::Repeated);
    let waits = answers.iter().any(in_queue);
    // Whatever was answered (it may be another's repetition of the same), what counts is how the payout stands.
    let now = payouts::find(host.pool(), payout.id.as_str())
        .await
        .or_unread()?;
    match now.map(|stored| stored.payout.status) {
        Some(status) if status.name() == answer => Ok(()),
        Some(status) if status == payout.status && waits => Err(Problem::of(NOT_DONE)),
        Some(status) if status == payout.status => Err(full()),
        Some(status) => Err(not_there(status)),
        None => Err(Problem::not_found()),
    }
}

fn not_there(status: Status) -> Problem {
    let detail = format!(
        "the payout is {}: one that is unknown is decided upon, one that was submitted long ago, and any that is not final while payouts are paused: what is submitting once they are for a minute",
        status.name()
    );
    Problem::of(NOT_THERE).with_detail(detail)
}
