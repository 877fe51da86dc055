//! Deciding upon one message, and recording what happened.

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemas::{EngineCode, Event};

use super::about::{mark, reject, settle};
use super::park::Park;
use super::{Attempt, Failure};
use crate::domain::{Context, Decision, Domain, Recorded, Rejection};
use crate::inbound::{Answer, Inbound, Via};
use crate::inbox;
use crate::retry_queue::State;
use crate::retry_queue::blocked::Blocked;
use crate::tx::{NewMessage, WriteTx};

impl<D: Domain> Attempt<'_, D> {
    pub(super) async fn handle(
        &self,
        tx: &mut WriteTx,
        state: &mut D::BatchState,
        inbound: &Inbound,
        index: usize,
        blocked: &mut Blocked,
    ) -> Result<Answer, Failure> {
        let Some(message) = inbound.message() else {
            return Ok(Answer::Skipped);
        };
        let context = Context {
            now: tx.now(),
            header: &message.header,
        };
        let domain = &self.engine.domain;
        let decision = catch_unwind(AssertUnwindSafe(|| domain.handle(state, message, &context)));
        match decision {
            Ok(Decision::Events(events)) => self.record(tx, state, inbound, index, &events),
            Ok(Decision::Noted) => {
                let noted = domain.side_data(state, message, &[]);
                noted.map_err(|error| Failure::Suspect {
                    index,
                    reason: error.to_string(),
                })?;
                settle(tx, inbound);
                Ok(Answer::Done(Vec::new()))
            }
            Ok(Decision::Rejected(rejection))
                if inbound.kind().is_some_and(|kind| kind.command) =>
            {
                reject(tx, inbound, index, rejection)
            }
            Ok(Decision::WaitFor { what, seconds }) => {
                let timed_out = inbound.deadline().is_some_and(|at| at <= tx.now().0);
                if timed_out && inbound.kind().is_some_and(|kind| kind.command) {
                    return reject(tx, inbound, index, timed_out_waiting(&what));
                }
                let park = if timed_out {
                    Park::plain(State::Dead, timed_out_waiting(&what).detail)
                } else {
                    let from_now = tx.now().0 + seconds * 1_000_000;
                    Park::waiting(what, inbound.deadline().unwrap_or(from_now))
                };
                self.park(tx, inbound, park, blocked).await
            }
            Ok(Decision::Rejected(rejection)) => {
                let park = Park::plain(State::Dead, unusable(rejection));
                self.park(tx, inbound, park, blocked).await
            }
            Ok(Decision::DeadLetter(reason)) => {
                self.park(tx, inbound, Park::plain(State::Dead, reason), blocked)
                    .await
            }
            Err(panic) => Err(Failure::Suspect {
                index,
                reason: format!("handling it panicked: {}", panic_text(&*panic)),
            }),
        }
    }

    /// Appends what happened, then evolves the states by it.
    fn record(
        &self,
        tx: &mut WriteTx,
        state: &mut D::BatchState,
        inbound: &Inbound,
        index: usize,
        events: &[D::Event],
    ) -> Result<Answer, Failure> {
        let Some(message) = inbound.message() else {
            return Ok(Answer::Skipped);
        };
        let domain = &self.engine.domain;
        let suspect = |reason: String| Failure::Suspect { index, reason };
        let Some(topic) = D::SERVICE.events_topic() else {
            return Err(suspect("this service has no events".to_owned()));
        };
        if events.is_empty() {
            return Err(suspect("it was handled without any event".to_owned()));
        }
        let is_command = inbound.kind().is_some_and(|kind| kind.command);
        let mut emitted = Vec::new();
        let mut first = None;
        for (ordinal, event) in events.iter().enumerate() {
            let written = event.write();
            let id = tx.event_id(message.header.id, ordinal);
            let (recorded, position) = tx
                .append(NewMessage {
                    id,
                    topic,
                    key: written.key,
                    subject: written.subject,
                    body: written.body,
                    correlation_id: message.header.correlation_id,
                    causation_id: Some(message.header.id),
                    outcome_of: (is_command && ordinal == 0).then_some(message.header.id),
                    actor: message.header.actor.clone(),
                    traceparent: message.header.traceparent.clone(),
                })
                .map_err(|error| suspect(error.to_string()))?;
            first.get_or_insert(position);
            let time = recorded.header.time;
            if inbound.via == Via::Local {
                emitted.push(recorded);
            }
            let recorded = Recorded {
                event,
                id,
                time,
                position,
            };
            catch_unwind(AssertUnwindSafe(|| domain.evolve(state, &recorded)))
                .map_err(|panic| suspect(format!("evolving panicked: {}", panic_text(&*panic))))?
                .map_err(|error| suspect(error.to_string()))?;
            if tx.any_waiting {
                for what in domain.resumes(event) {
                    tx.resume(what);
                }
            }
        }
        domain
            .side_data(state, message, events)
            .map_err(|error| suspect(error.to_string()))?;
        if is_command {
            tx.mark(mark(inbound, tx.now().0, inbox::State::Done, None, first));
        }
        settle(tx, inbound);
        Ok(Answer::Done(emitted))
    }
}

fn timed_out_waiting(what: &str) -> Rejection {
    Rejection {
        code: EngineCode::TimedOutWaiting.into(),
        detail: format!("{what} did not become known in time"),
        pointer: None,
    }
}

/// Why a fact that cannot be refused becomes a dead letter.
fn unusable(rejection: Rejection) -> String {
    match rejection.pointer {
        Some(pointer) => format!("{pointer}: {}", rejection.detail),
        None => rejection.detail,
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
