//! Deciding upon one message, and recording what happened.

use std::panic::{AssertUnwindSafe, catch_unwind};

use planted::Fault;

use super::about::{mark, reject, settle};
use super::aside::Park;
use super::{Attempt, Failure};
use crate::domain::{Context, Domain, Recorded, Rejection, Verdict};
use crate::inbound::{Answer, Inbound, Via};
use crate::inbox;
use crate::parked::State;
use crate::parked::blocked::Blocked;
use crate::tx::{NewMessage, WriteTx};

impl<D: Domain> Attempt<'_, D> {
    pub(super) async fn handle(
        &self,
        tx: &mut WriteTx,
        world: &mut D::World,
        inbound: &Inbound,
        index: usize,
        blocked: &mut Blocked,
    ) -> Result<Answer, Failure> {
        let Some(message) = inbound.message() else {
            return Ok(Answer::Skipped);
        };
        let sets_aside = planted::now_and_then(Fault::ParkedRowForgotten, 20)
            || planted::now_and_then(Fault::SuccessorPassesFailed, 8);
        if sets_aside && !inbound.is_parked() {
            let reason = "a fault is planted".to_owned();
            return Err(Failure::Suspect { index, reason });
        }
        let context = Context {
            now: tx.now(),
            header: &message.header,
        };
        let domain = &self.engine.domain;
        let verdict = catch_unwind(AssertUnwindSafe(|| domain.handle(world, message, &context)));
        match verdict {
            Ok(Verdict::Events(events)) => self.record(tx, world, inbound, index, &events),
            Ok(Verdict::Noted) => {
                domain.aside(world, message, &[]);
                settle(tx, inbound);
                Ok(Answer::Done(Vec::new()))
            }
            Ok(Verdict::Rejected(rejection)) if inbound.kind().is_some_and(|kind| kind.command) => {
                reject(tx, inbound, index, rejection)
            }
            Ok(Verdict::WaitFor { what, seconds }) => {
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
            Ok(Verdict::Rejected(rejection)) => {
                let park = Park::plain(State::Dead, unusable(rejection));
                self.park(tx, inbound, park, blocked).await
            }
            Ok(Verdict::SetAside(reason)) => {
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
        world: &mut D::World,
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
        let mut told = Vec::new();
        let mut first = None;
        for (ordinal, event) in events.iter().enumerate() {
            let emit = domain.emit(event);
            let id = tx.event_id(message.header.id, ordinal);
            let (recorded, position) = tx
                .append(NewMessage {
                    id,
                    topic,
                    published: emit.published,
                    key: emit.key,
                    subject: emit.subject,
                    body: emit.body,
                    correlation_id: message.header.correlation_id,
                    causation_id: (!planted::is(Fault::EventWithoutCause))
                        .then_some(message.header.id),
                    outcome_of: (is_command && ordinal == 0).then_some(message.header.id),
                    actor: message.header.actor.clone(),
                    traceparent: message.header.traceparent.clone(),
                })
                .map_err(|error| suspect(error.to_string()))?;
            first.get_or_insert(position);
            let time = recorded.header.time;
            if inbound.via == Via::Local {
                told.push(recorded);
            }
            let recorded = Recorded {
                event,
                id,
                time,
                position,
            };
            catch_unwind(AssertUnwindSafe(|| domain.evolve(world, &recorded)))
                .map_err(|panic| suspect(format!("evolving panicked: {}", panic_text(&*panic))))?;
            if tx.any_waiting {
                for what in domain.wakes(event) {
                    tx.wake(what);
                }
            }
        }
        domain.aside(world, message, events);
        if is_command {
            tx.mark(mark(inbound, tx.now().0, inbox::State::Done, None, first));
        }
        settle(tx, inbound);
        Ok(Answer::Done(told))
    }
}

fn timed_out_waiting(what: &str) -> Rejection {
    Rejection {
        code: "timed_out_waiting",
        detail: format!("{what} did not become known in time"),
        pointer: None,
    }
}

/// Why a fact that cannot be refused is set aside.
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
