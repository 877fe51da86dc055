//! What is to be done with each message, before states are loaded.

use std::collections::HashSet;

use planted::Fault;
use schemas::{Kind, Reach};
use uuid::Uuid;

use super::Attempt;
use crate::domain::Domain;
use crate::inbound::{Answer, Content, Inbound, Via};
use crate::parked::State;
use crate::tx::WriteTx;

/// What is to be done with a message, before states are loaded.
pub(super) enum Plan {
    Answer(Answer),
    Park(State, String),
    Handle,
}

impl<D: Domain> Attempt<'_, D> {
    pub(super) fn plan(&self, tx: &mut WriteTx, messages: &[&Inbound]) -> Vec<Plan> {
        let mut twins = HashSet::new();
        messages
            .iter()
            .enumerate()
            .map(|(index, inbound)| self.plan_one(tx, inbound, index, &mut twins))
            .collect()
    }

    fn plan_one(
        &self,
        tx: &mut WriteTx,
        inbound: &Inbound,
        index: usize,
        twins: &mut HashSet<Uuid>,
    ) -> Plan {
        if inbound.is_parked() {
            let alive = tx.alive.contains(&inbound.id);
            return if alive {
                self.accept(inbound, index)
            } else {
                Plan::Answer(Answer::Repeated)
            };
        }
        if let Some(answer) = seen_in_stream(tx, inbound) {
            return Plan::Answer(answer);
        }
        let known_command = inbound.kind().is_some_and(|kind| kind.command);
        if known_command && is_repeated(tx, inbound, twins) {
            return Plan::Answer(Answer::Repeated);
        }
        self.accept(inbound, index)
    }

    /// Whether a message that was not seen before is one to handle.
    fn accept(&self, inbound: &Inbound, index: usize) -> Plan {
        if let Some(reason) = self.suspects.get(&index) {
            return Plan::Park(State::Retrying, reason.clone());
        }
        match &inbound.content {
            Content::Malformed { reason, .. } => {
                Plan::Park(State::Dead, format!("malformed: {reason}"))
            }
            Content::UnknownKind(header) => Plan::Park(
                State::UnknownType,
                format!("this build does not know {}", header.kind),
            ),
            Content::Message(_) => match inbound.kind() {
                None => Plan::Park(
                    State::Dead,
                    "its kind does not travel on this topic".to_owned(),
                ),
                Some(kind) if kind.reach == Reach::Own && inbound.via == Via::Road => Plan::Park(
                    State::Dead,
                    format!("{} is never taken from outside", kind.name),
                ),
                Some(kind) if inbound.via == Via::Road && is_misplaced_fact(kind, inbound) => {
                    let owner = kind.topic.owner().name();
                    let reason = format!("it is a fact, but has no place in a stream of {owner}");
                    Plan::Park(State::Dead, reason)
                }
                Some(kind) if !concerns::<D>(kind) => Plan::Answer(Answer::Skipped),
                Some(_) => Plan::Handle,
            },
        }
    }
}

impl Inbound {
    /// Its row of the table of kinds, for the topic that it came by.
    pub(crate) fn kind(&self) -> Option<&'static Kind> {
        let header = self.header()?;
        schemas::kind_on(self.topic, &header.kind)
    }

    pub(super) fn is_parked(&self) -> bool {
        matches!(self.via, Via::Parked { .. })
    }

    pub(super) fn deadline(&self) -> Option<i64> {
        match self.via {
            Via::Parked { deadline, .. } => deadline,
            _ => None,
        }
    }
}

fn is_repeated(tx: &WriteTx, inbound: &Inbound, twins: &mut HashSet<Uuid>) -> bool {
    let seen = tx.handled.contains_key(&inbound.id) && !planted::is(Fault::InboxSkipped);
    let twin = !twins.insert(inbound.id) && !planted::is(Fault::TwinInBatch);
    seen || twin
}

fn concerns<D: Domain>(kind: &Kind) -> bool {
    if kind.command {
        kind.topic.owner() == D::SERVICE
    } else {
        kind.followers.contains(&D::SERVICE)
    }
}

/// Whether it states what only its topic's owner may state, or could be told any number of times: nothing but its place
/// in its source's stream tells that a fact was seen before.
fn is_misplaced_fact(kind: &Kind, inbound: &Inbound) -> bool {
    !kind.command && (inbound.stream.is_none() || inbound.source != kind.topic.owner().name())
}

/// Judges a message by its place in its stream, and moves the watermark over it when it is the next.
fn seen_in_stream(tx: &mut WriteTx, inbound: &Inbound) -> Option<Answer> {
    let (stream, sequence) = inbound.stream.as_ref()?;
    let expected = if let Some(at) = tx.watermark(stream) {
        at + 1
    } else if let Some(other) = tx.knows_other_epoch(stream) {
        tracing::error!(source = %stream.source, topic = stream.topic.name(), known = other, came = stream.epoch,
            "the source's log has another epoch: follow the restore runbook before this stream goes on");
        return Some(Answer::Gap { expected: 1 });
    } else {
        1
    };
    if *sequence < expected {
        if planted::is(Fault::WatermarkIgnored) {
            return None;
        }
        return Some(Answer::Repeated);
    }
    if *sequence > expected {
        return Some(Answer::Gap { expected });
    }
    tx.advance(stream, *sequence);
    None
}
