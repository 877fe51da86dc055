//! What is noted and reported about a command itself rather than about what it asked for.

use std::borrow::Cow;

use schemas::{Body, CommandRejectedV1, CommandStalledV1, EngineCode, Rejection};

use super::Failure;
use crate::inbound::{Answer, Inbound};
use crate::inbox;
use crate::tx::{Lock, NewMessage, TxError, WriteTx};

/// The code of a command that an operator dropped.
const DROPPED: &str = EngineCode::DroppedByOperator.code().name;

/// A parked message that was handled leaves the table.
pub(super) fn settle(tx: &mut WriteTx, inbound: &Inbound) {
    if inbound.is_from_retry_queue() {
        tx.unpark(&inbound.source, inbound.id);
    }
}

pub(super) fn mark(
    inbound: &Inbound,
    received_at: i64,
    state: inbox::State,
    code: Option<&str>,
    outcome_position: Option<i64>,
) -> inbox::Mark {
    let header = inbound.header();
    let actor = header.and_then(|h| h.actor.as_ref());
    inbox::Mark {
        id: inbound.id,
        kind: header.map(|h| h.kind.clone()).unwrap_or_default(),
        source: inbound.source.clone(),
        subject: header.map(|h| h.subject.clone()).unwrap_or_default(),
        actor: actor.map(|actor| actor.subject.clone()),
        caller: actor.map(inbox::caller),
        request_hash: inbound.request_hash.clone(),
        received_at,
        state,
        code: code.map(str::to_owned),
        outcome_position,
    }
}

/// Ends a command with a refusal.
pub(super) fn reject(
    tx: &mut WriteTx,
    inbound: &Inbound,
    index: usize,
    rejection: Rejection,
) -> Result<Answer, Failure> {
    let body = |command_type: String| {
        Body::CommandRejectedV1(CommandRejectedV1 {
            command_type,
            code: rejection.code.name.to_owned(),
            detail: rejection.detail.clone().into_owned(),
            pointer: rejection.pointer.clone().map(Cow::into_owned),
        })
    };
    let position = append_about(tx, inbound, body, Some(0))
        .map_err(|reason| Failure::Suspect { index, reason })?;
    let now = tx.now().0;
    tx.mark(mark(
        inbound,
        now,
        inbox::State::Rejected,
        Some(rejection.code.name),
        position,
    ));
    settle(tx, inbound);
    Ok(refused(rejection))
}

/// A refusal as who waits is answered.
pub(super) fn refused(rejection: Rejection) -> Answer {
    Answer::Rejected {
        code: rejection.code.name.to_owned(),
        detail: rejection.detail.into_owned(),
        pointer: rejection.pointer.map(Cow::into_owned),
    }
}

/// Reports to followers that a command is stuck and needs an operator.
pub(super) fn stall(tx: &mut WriteTx, inbound: &Inbound, reason: &str, attempts: i32) {
    let body = |command_type: String| {
        Body::CommandStalledV1(CommandStalledV1 {
            command_type,
            reason: reason.chars().take(500).collect(),
            attempts,
        })
    };
    // That it cannot be reported must not keep it from being parked: the row itself shows.
    if let Err(error) = append_about(tx, inbound, body, None) {
        tracing::error!(id = %inbound.id, error, "a stalled command cannot be reported");
    }
}

/// Ends a parked message by an operator's word: it leaves the table, and a command has an outcome, whose position is
/// returned. An error says why that cannot be reported.
pub fn drop_from_retry_queue(tx: &mut WriteTx, inbound: &Inbound) -> Result<Option<i64>, String> {
    let now = tx.now().0;
    let mut position = None;
    if inbound.asks() && tx.lock() == Lock::Log {
        let body = |command_type: String| {
            Body::CommandRejectedV1(CommandRejectedV1 {
                command_type,
                code: DROPPED.to_owned(),
                detail: "an operator ended it without an effect".to_owned(),
                pointer: None,
            })
        };
        position = append_about(tx, inbound, body, Some(0))?;
        let state = inbox::State::Dropped;
        tx.mark(mark(inbound, now, state, Some(DROPPED), position));
    }
    settle(tx, inbound);
    Ok(position)
}

/// Appends an event about a command itself rather than about what it asked for: its outcome with an ordinal, or that it
/// is stuck.
fn append_about(
    tx: &mut WriteTx,
    inbound: &Inbound,
    body: impl FnOnce(String) -> Body,
    outcome: Option<usize>,
) -> Result<Option<i64>, String> {
    let Some(header) = inbound.header() else {
        return Ok(None);
    };
    let Some(topic) = tx.service().events_topic() else {
        return Ok(None);
    };
    let body = body(header.kind.clone());
    // A stalled command may have an outcome later, and may be stalled again after a redrive.
    let stalled = || usize::from(u16::MAX) + usize::try_from(inbound.edition()).unwrap_or(0);
    let ordinal = outcome.unwrap_or_else(stalled);
    tx.append(NewMessage {
        id: tx.event_id(header.id, ordinal),
        topic,
        key: header.key.clone(),
        subject: header.subject.clone(),
        body,
        correlation_id: header.correlation_id,
        causation_id: Some(header.id),
        outcome_of: outcome.map(|_| header.id),
        actor: header.actor.clone(),
        traceparent: header.traceparent.clone(),
    })
    .map(|(_, position)| Some(position))
    .map_err(|error: TxError| error.to_string())
}
