//! Putting a message into the retry queue, with its original bytes.

use super::about::{mark, stall};
use super::{Attempt, Failure};
use crate::inbound::{Answer, Inbound, Via};
use crate::inbox;
use crate::retry_queue::blocked::Blocked;
use crate::retry_queue::{self, NewRetryRow, State};
use crate::trace::log_span;
use crate::tx::{Lock, WriteTx};

pub(super) struct Park {
    state: State,
    reason: String,
    waiting_for: Option<String>,
    deadline: Option<i64>,
}

impl Park {
    pub(super) fn waiting(what: String, deadline: i64) -> Self {
        Self {
            state: State::Waiting,
            reason: format!("waits for {what}"),
            waiting_for: Some(what),
            deadline: Some(deadline),
        }
    }

    pub(super) fn plain(state: State, reason: String) -> Self {
        Self {
            state,
            reason,
            waiting_for: None,
            deadline: None,
        }
    }
}

impl Attempt<'_> {
    pub(super) async fn park(
        &self,
        tx: &mut WriteTx,
        inbound: &Inbound,
        park: Park,
        blocked: &mut Blocked,
    ) -> Result<Answer, Failure> {
        let (mut attempts, arrival) = match inbound.via {
            Via::InRetryQueue {
                attempts, arrival, ..
            } => (attempts, arrival),
            _ => (0, 0),
        };
        let mut state = park.state;
        if state == State::Retrying {
            attempts += 1;
            if attempts >= retry_queue::MAX_ATTEMPTS {
                state = State::Dead;
            }
        }
        let is_command = inbound.kind().is_some_and(|kind| kind.command);
        if state == State::Dead && is_command && self.engine.writer.lock == Lock::Log {
            stall(tx, inbound, &park.reason, attempts);
        }
        // A stranger's message that is refused at once must not be able to block a subject that it merely names.
        let is_refused = park.state == State::Dead && !inbound.has_place();
        let subject = inbound.subject().filter(|_| !is_refused);
        if let Some(subject) = subject.filter(|_| state != State::UnknownType) {
            blocked.add(inbound.entity(), subject);
        }
        // What it waits for may come later in this very batch.
        tx.any_waiting |= state == State::Waiting;
        log(inbound, state, &park.reason, attempts);
        let (schema_id, body) = wire_of(tx, inbound).await?;
        let next_at = match state {
            State::Waiting => park.deadline.unwrap_or(0),
            State::Retrying => tx.now().0 + retry_queue::backoff_micros(attempts, inbound.id),
            State::Queued | State::Dead | State::UnknownType => 0,
        };
        let row = NewRetryRow {
            source: inbound.source.clone(),
            message_id: inbound.id,
            arrival,
            topic: inbound.topic.name(),
            state,
            reason: storable(&park.reason),
            waiting_for: park.waiting_for,
            entity: inbound.entity(),
            subject: subject.map(str::to_owned),
            attempts,
            next_at,
            deadline: park.deadline,
            parked_at: tx.now().0,
            origin: inbound.origin(),
            header: header_json(inbound),
            schema_id,
            body,
        };
        tx.park(row);
        if is_command && self.engine.writer.lock == Lock::Log {
            tx.mark(mark(
                inbound,
                tx.now().0,
                inbox::State::InRetryQueue,
                None,
                None,
            ));
        }
        Ok(Answer::InRetryQueue)
    }
}

fn log(inbound: &Inbound, state: State, reason: &str, attempts: i32) {
    let header = inbound.header();
    let trace = header.and_then(|header| header.traceparent.as_deref());
    log_span(header.map(|header| header.correlation_id), trace).in_scope(|| {
        tracing::warn!(id = %inbound.id, source = %inbound.source, topic = inbound.topic.name(), state = state.name(),
            reason, attempts, "a message goes to the retry queue");
    });
}

async fn wire_of(tx: &mut WriteTx, inbound: &Inbound) -> Result<(i32, Vec<u8>), Failure> {
    let unwritable = || Failure::Message("it is too long to be written".to_owned());
    let wire = inbound.kept().ok_or_else(unwritable)?;
    let id = tx.schema_id(&wire.schema).await?;
    let kept = wire.bytes.len().min(crate::tx::MAX_BODY_BYTES);
    Ok((id, wire.bytes[..kept].to_vec()))
}

fn header_json(inbound: &Inbound) -> String {
    match inbound.header() {
        Some(header) => serde_json::json!({
            "id": header.id, "type": header.kind, "source": header.source, "subject": header.subject, "key": header.key,
            "time": header.time.0, "epoch": header.epoch, "sequence": header.sequence,
            "correlationid": header.correlation_id, "causationid": header.causation_id,
            "actor": header.actor.as_ref().map(|actor| &actor.subject), "traceparent": header.traceparent,
        })
        .to_string(),
        None => serde_json::json!({ "id": inbound.id, "source": inbound.source }).to_string(),
    }
}

/// A reason as tables take it: it may quote an external producer's bytes.
fn storable(reason: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    reason.chars().map(printable).take(1_000).collect()
}
