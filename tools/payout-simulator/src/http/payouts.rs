//! `/v1/payouts`: submitting, looking up, the statement.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{Inner, Refused, Simulator, json, problem, read};
use crate::ledger::{Outcome, Payout, Submission, Untaken};
use crate::{Behaviour, Fault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayoutRequest {
    reference: String,
    amount: String,
    currency: String,
    method: String,
    /// Where to. Looked at and dropped: the ledger has no account details.
    details: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    number: u64,
    reference: &'a str,
    amount: &'a str,
    currency: &'a str,
    method: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Statement<'a> {
    payouts: Vec<Shown<'a>>,
    /// Give it as `after` to go on; absent at the end.
    next: Option<u64>,
}

/// Which part of the statement is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

const MAX_LISTED: usize = 1_000;

/// What a submission comes to, decided at once under the lock; slowness comes after it.
struct Reply {
    answer: Response,
    after: Duration,
}

pub(super) async fn submit(State(simulator): State<Simulator>, body: Bytes) -> Response {
    let Ok(_place) = simulator.places.try_acquire() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once");
    };
    let (submission, account) = match read::<PayoutRequest>(&body).and_then(check) {
        Ok(checked) => checked,
        Err(refused) => return refused.into_response(),
    };
    let reply = take(&mut simulator.lock(), submission, account);
    sleep(reply.after).await;
    reply.answer
}

pub(super) async fn look_up(
    State(simulator): State<Simulator>,
    Path(reference): Path<String>,
) -> Response {
    let Ok(_place) = simulator.places.try_acquire() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once");
    };
    let delay = Duration::from_millis(simulator.lock().behaviour.answer_delay_ms);
    sleep(delay).await;
    let inner = simulator.lock();
    if inner.behaviour.lookups_fail {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "look-ups are switched off");
    }
    let now = Instant::now();
    match inner
        .ledger
        .find(&reference, now, lifetime(&inner.behaviour))
    {
        Some(payout) => json(StatusCode::OK, &shown(payout, now)),
        None => problem(StatusCode::NOT_FOUND, "no payout has this reference"),
    }
}

pub(super) async fn statement(
    State(simulator): State<Simulator>,
    Query(page): Query<Page>,
) -> Response {
    let limit = page.limit.unwrap_or(100).clamp(1, MAX_LISTED);
    let inner = simulator.lock();
    let now = Instant::now();
    let payouts = inner.ledger.statement(page.after, limit);
    let full = payouts.len() == limit;
    let next = payouts.last().filter(|_| full).map(|last| last.number);
    let payouts = payouts.iter().map(|payout| shown(payout, now)).collect();
    json(StatusCode::OK, &Statement { payouts, next })
}

/// Whether an account can be paid. As at other providers' sandboxes, some are there to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    Good,
    /// One of its details begins with `refused`: the payout is taken, and has failed at once.
    Refused,
}

impl Account {
    fn of(details: &serde_json::Map<String, serde_json::Value>) -> Self {
        let mut texts = details.values().filter_map(serde_json::Value::as_str);
        if texts.any(|text| text.starts_with("refused")) {
            Self::Refused
        } else {
            Self::Good
        }
    }
}

fn check(request: PayoutRequest) -> Result<(Submission, Account), Refused> {
    let is_amount = |text: &str| {
        text.len() <= 24
            && text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let wrong = if request.reference.is_empty() || request.reference.len() > 64 {
        "reference must have 1 to 64 characters"
    } else if !is_amount(&request.amount) {
        "amount must be decimal text"
    } else if request.currency.len() != 3 {
        "currency must be an ISO 4217 code"
    } else if request.method.is_empty() || request.method.len() > 32 {
        "method must have 1 to 32 characters"
    } else if request.details.is_empty() {
        "details must say where to"
    } else {
        let account = Account::of(&request.details);
        let submission = Submission {
            reference: request.reference,
            amount: request.amount,
            currency: request.currency,
            method: request.method,
        };
        return Ok((submission, account));
    };
    Err(Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        error: wrong.to_owned(),
    })
}

fn take(inner: &mut Inner, submission: Submission, account: Account) -> Reply {
    let fault = inner.behaviour.next_fault();
    let hang = Duration::from_millis(inner.behaviour.hang_ms);
    let at_once = Duration::from_millis(inner.behaviour.answer_delay_ms);
    let answer = match fault {
        Some(fault) if fault.takes_nothing() => Err(()),
        _ => Ok(record(inner, submission, account, fault)),
    };
    let gone = || problem(StatusCode::GATEWAY_TIMEOUT, "timed out");
    let rejected = || problem(StatusCode::UNPROCESSABLE_ENTITY, "it is not acceptable");
    let error = || problem(StatusCode::INTERNAL_SERVER_ERROR, "something broke");
    let (answer, after) = match (fault, answer) {
        (Some(Fault::TimeOutBefore | Fault::TimeOutAfter), _) => (gone(), hang),
        (Some(Fault::ErrorBefore | Fault::ErrorAfter), _) => (error(), at_once),
        (Some(Fault::RejectBefore | Fault::RejectAfter), _) => (rejected(), at_once),
        (_, Ok(answer)) => (answer, at_once),
        (_, Err(())) => (
            problem(StatusCode::SERVICE_UNAVAILABLE, "come back later"),
            at_once,
        ),
    };
    Reply { answer, after }
}

fn record(
    inner: &mut Inner,
    submission: Submission,
    account: Account,
    fault: Option<Fault>,
) -> Response {
    let now = Instant::now();
    match inner
        .ledger
        .known(&submission, now, lifetime(&inner.behaviour))
    {
        Ok(Some(payout)) => return json(StatusCode::OK, &shown(payout, now)),
        Err(Untaken::Conflict) => {
            return problem(
                StatusCode::CONFLICT,
                "the reference stands for another payout",
            );
        }
        Err(Untaken::Full) => {
            return problem(StatusCode::INSUFFICIENT_STORAGE, "the ledger is full");
        }
        Ok(None) => {}
    }
    let outcome = match fault {
        Some(Fault::Refuse | Fault::FailLater) => Outcome::Failed(inner.behaviour.reason.clone()),
        _ if account == Account::Refused => Outcome::Failed(inner.behaviour.reason.clone()),
        _ => Outcome::Paid,
    };
    let settle = match fault {
        Some(Fault::Refuse) => Duration::ZERO,
        _ if account == Account::Refused => Duration::ZERO,
        _ => Duration::from_millis(inner.behaviour.settle_ms),
    };
    let payout = inner.ledger.take(submission, outcome, now, now + settle);
    if let Some(Err(error)) = inner.journal.as_mut().map(|journal| journal.write(&payout)) {
        tracing::error!(%error, "the ledger could not be written: a restart will not know this payout");
    }
    tracing::info!(
        reference = payout.submission.reference,
        number = payout.number,
        "taken"
    );
    json(StatusCode::CREATED, &shown(&payout, now))
}

fn lifetime(behaviour: &Behaviour) -> Option<Duration> {
    behaviour.key_lifetime_ms.map(Duration::from_millis)
}

fn shown(payout: &Payout, now: Instant) -> Shown<'_> {
    Shown {
        id: &payout.id,
        number: payout.number,
        reference: &payout.submission.reference,
        amount: &payout.submission.amount,
        currency: &payout.submission.currency,
        method: &payout.submission.method,
        state: payout.state(now),
        reason: payout.reason(now),
    }
}
