//! What is to be done with each message, before states are loaded.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use schemas::{Kind, Reach, Rejection, Service};
use uuid::Uuid;

use super::Attempt;
use super::door;
use crate::halted::HaltedStream;
use crate::inbound::{Answer, Content, Inbound, Via};
use crate::retry_queue::{HAD_ITS_EFFECT, State};
use crate::stream::{StreamId, Watermark};
use crate::trust::Sender;
use crate::tx::WriteTx;

/// What is to be done with a message, before states are loaded.
pub(super) enum Plan {
    Answer(Answer),
    Park(State, String),
    /// It was handled under this id before its source lost it: kept for an operator, and never handled again.
    DecidedAgain(Uuid),
    /// Ends it with a refusal before it is looked at.
    TurnAway(Rejection),
    Handle,
}

impl Attempt<'_> {
    /// `before`: under which ids messages were handled before their source lost them, by index.
    pub(super) fn plan(
        &self,
        tx: &mut WriteTx,
        messages: &[&Inbound],
        before: &HashMap<usize, Uuid>,
    ) -> Vec<Plan> {
        let mut twins = HashSet::new();
        messages
            .iter()
            .enumerate()
            .map(
                |(index, inbound)| match self.plan_one(tx, inbound, index, &mut twins) {
                    // Nor is it kept to be handled later, by a build that can read it perhaps: what is fed back is not looked up.
                    Plan::Handle | Plan::Park(..)
                        if !inbound.is_from_retry_queue() && before.contains_key(&index) =>
                    {
                        self.decided_before(inbound, before[&index])
                    }
                    plan => plan,
                },
            )
            .collect()
    }

    /// What tells how something is has lost nothing when it is passed by under the id that it was handled under: nothing is there to judge.
    fn decided_before(&self, inbound: &Inbound, before: Uuid) -> Plan {
        let levels = self.engine.domain.levels();
        let is_level = inbound
            .header()
            .is_some_and(|fact| levels.contains(&fact.kind.as_str()));
        if is_level {
            Plan::Answer(Answer::Repeated)
        } else {
            Plan::DecidedAgain(before)
        }
    }

    fn plan_one(
        &self,
        tx: &mut WriteTx,
        inbound: &Inbound,
        index: usize,
        twins: &mut HashSet<Uuid>,
    ) -> Plan {
        if inbound.is_from_retry_queue() {
            return if is_alive(tx, inbound) {
                self.accept(inbound, index)
            } else {
                Plan::Answer(Answer::Repeated)
            };
        }
        if let Some(answer) = seen_in_stream(tx, inbound) {
            return Plan::Answer(answer);
        }
        if inbound.has_inbox_row() && is_repeated(tx, inbound, twins) {
            return Plan::Answer(Answer::Repeated);
        }
        self.accept(inbound, index)
    }

    /// Whether a message that was not seen before is one to handle.
    fn accept(&self, inbound: &Inbound, index: usize) -> Plan {
        if inbound.is_undecoded() {
            return Plan::Answer(Answer::Skipped);
        }
        if let Some((state, reason)) = self.suspects.get(&index) {
            // Nothing of a stranger's is kept, be it to blame for whatever it likes.
            let stranger =
                matches!(inbound.sender, Sender::Unknown { .. }) && !inbound.is_from_retry_queue();
            return if stranger {
                Plan::Answer(Answer::Unauthenticated)
            } else {
                Plan::Park(*state, reason.clone())
            };
        }
        if let Some(plan) = door::judge(inbound) {
            return plan;
        }
        match &inbound.content {
            Content::Malformed { reason, .. } => {
                Plan::Park(State::Dead, format!("malformed: {reason}"))
            }
            Content::Unreadable { reason, .. } => match inbound.kind() {
                Some(kind) if !concerns(kind, self.engine.domain.service()) => {
                    Plan::Answer(Answer::Skipped)
                }
                _ => Plan::Park(State::Dead, format!("unreadable: {reason}")),
            },
            Content::Undecoded(_) => Plan::Answer(Answer::Skipped),
            Content::UnknownKind(header) => Plan::Park(
                State::UnknownType,
                format!("this build does not know {}", header.kind),
            ),
            Content::Message(_) => match inbound.kind() {
                None => Plan::Park(
                    State::Dead,
                    "its kind does not travel on this topic".to_owned(),
                ),
                Some(kind) if kind.reach == Reach::Own && inbound.is_from_outside() => Plan::Park(
                    State::Dead,
                    format!("{} is never taken from outside", kind.name),
                ),
                Some(kind) if is_misplaced_fact(kind, inbound) => {
                    let owner = kind.topic.owner().name();
                    let reason = format!("it is a fact, but has no place in a stream of {owner}");
                    Plan::Park(State::Dead, reason)
                }
                Some(kind) if !concerns(kind, self.engine.domain.service()) => {
                    Plan::Answer(Answer::Skipped)
                }
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

    /// Whether a service does anything with it but pass it by. What it does not know concerns it.
    pub(crate) fn concerns(&self, service: Service) -> bool {
        self.kind().is_none_or(|kind| concerns(kind, service))
    }

    /// Whether somebody may wait for its outcome: a command, of a kind known here or not.
    pub(crate) fn asks(&self) -> bool {
        let asks = |kind: &str| kind.contains(".command.");
        self.topic.is_commands() && self.header().is_some_and(|header| asks(&header.kind))
    }

    pub(super) fn is_from_retry_queue(&self) -> bool {
        matches!(self.via, Via::InRetryQueue { .. })
    }

    /// Whether the inbox knows if it was seen before.
    pub(super) fn has_inbox_row(&self) -> bool {
        let is_command = self.kind().is_some_and(|kind| kind.command);
        is_command || door::is_turned_away(self)
    }

    /// Who sent it, as kept with it while it is in the retry queue: fed back, it is judged by that again.
    pub(crate) fn origin(&self) -> String {
        let is_fact = !self.topic.is_commands();
        if is_fact && !self.has_place() {
            return Sender::Unknown { answered: false }.origin();
        }
        self.sender.origin()
    }

    /// Whether it is ours, or has its place in the stream of the service that sent it.
    pub(super) fn has_place(&self) -> bool {
        match self.sender {
            Sender::Here => true,
            Sender::Service(_) => self.is_from_retry_queue() || self.stream.is_some(),
            Sender::Producer(_) | Sender::Unknown { .. } => false,
        }
    }

    fn is_from_outside(&self) -> bool {
        self.sender != Sender::Here
    }

    /// How often an operator had changed it when it was read.
    pub(crate) fn edition(&self) -> i32 {
        match self.via {
            Via::InRetryQueue { edition, .. } => edition,
            _ => 0,
        }
    }

    pub(super) fn deadline(&self) -> Option<i64> {
        match self.via {
            Via::InRetryQueue { deadline, .. } => deadline,
            _ => None,
        }
    }
}

pub(super) fn decided_again(before: Uuid) -> String {
    format!(
        "{HAD_ITS_EFFECT}{before}, which its source lost in a restore and has decided again: drop it when it says the same"
    )
}

fn is_repeated(tx: &WriteTx, inbound: &Inbound, twins: &mut HashSet<Uuid>) -> bool {
    let seen = tx.handled.contains_key(&inbound.id);
    let twin = !twins.insert(inbound.id);
    seen || twin
}

fn concerns(kind: &Kind, service: Service) -> bool {
    if kind.command {
        kind.topic.owner() == service
    } else {
        kind.followers.contains(&service)
    }
}

/// Whether it states what only its topic's owner may state, or could be sent any number of times: nothing but its place
/// in its source's stream shows that a fact was seen before.
fn is_misplaced_fact(kind: &Kind, inbound: &Inbound) -> bool {
    let owner = Sender::Service(kind.topic.owner());
    let is_owners =
        inbound.sender == Sender::Here || inbound.sender == owner && inbound.has_place();
    !kind.command && !is_owners
}

/// Whether a parked message is still there as it was read, and due.
fn is_alive(tx: &WriteTx, inbound: &Inbound) -> bool {
    let read = (inbound.source.clone(), inbound.id, inbound.edition());
    tx.alive.contains(&read)
}

/// Judges a message by its place in its stream, and moves the watermark over it when it is the next.
fn seen_in_stream(tx: &mut WriteTx, inbound: &Inbound) -> Option<Answer> {
    let (stream, sequence) = inbound.stream.as_ref()?;
    let known_epoch = tx.known_epoch(stream).unwrap_or(stream.epoch);
    match known_epoch.cmp(&stream.epoch) {
        // Its successor was accepted: what is left of the old history is passed, or comes again under the new epoch.
        Ordering::Greater => return Some(Answer::Repeated),
        Ordering::Less if tx.accepted_epoch(&stream.source) >= stream.epoch => {}
        Ordering::Less => {
            let reason = format!(
                "the log of {} has gone on under epoch {}, and epoch {known_epoch} was followed: {INSTRUCTIONS}",
                stream.source, stream.epoch
            );
            return Some(stop(tx, stream, *sequence, known_epoch, reason));
        }
        Ordering::Equal => {}
    }
    let at = tx.watermark(stream);
    let expected = at.map_or(1, |at| at.sequence + 1);
    if *sequence < expected {
        // Time never decreases in a log: what was stated later than the message at the watermark cannot stand below it.
        let forked = at
            .and_then(|at| at.time)
            .zip(inbound.time())
            .is_some_and(|(at, time)| time > at);
        if forked && tx.accepted_epoch(&stream.source) > stream.epoch {
            // What of the old history comes after this place comes again under the new epoch.
            let successor = StreamId {
                epoch: stream.epoch + 1,
                ..stream.clone()
            };
            let nothing = Watermark {
                sequence: 0,
                time: None,
            };
            tx.advance(&successor, nothing);
            return Some(Answer::Repeated);
        }
        if forked {
            let reason = format!(
                "message {sequence} of {} in {} is not the one that was handled before: its log was restored from a backup: \
                 {INSTRUCTIONS}",
                stream.source,
                stream.topic.name()
            );
            return Some(stop(tx, stream, *sequence, known_epoch, reason));
        }
        return Some(Answer::Repeated);
    }
    if tx.is_halted(stream) {
        let reason = format!(
            "the stream of {} stands still: {INSTRUCTIONS}",
            stream.source
        );
        return Some(Answer::Halted { reason });
    }
    if *sequence > expected {
        let stream = stream.clone();
        return Some(Answer::Gap { stream, expected });
    }
    let sequence = *sequence;
    // An entry's last message is always decoded, so that its stream's watermark has a time.
    let time = inbound.header().map(|header| header.time.0);
    tx.advance(stream, Watermark { sequence, time });
    None
}

/// What every halted stream's reason ends with.
const INSTRUCTIONS: &str =
    "follow docs/runbooks/restore.md (tributary epoch raise, then tributary epoch accept)";

fn stop(
    tx: &mut WriteTx,
    stream: &StreamId,
    sequence: i64,
    known_epoch: i64,
    reason: String,
) -> Answer {
    let halt = HaltedStream {
        came: stream.clone(),
        sequence,
        known_epoch,
        reason: reason.clone(),
    };
    // What comes behind it is read over, and all of it again and again: it is noted once for each epoch that comes.
    if tx.halt(halt) {
        tracing::error!(source = %stream.source, topic = stream.topic.name(), sequence, epoch = stream.epoch, known_epoch, reason,
            "a stream stops");
        metrics::counter!("tributary_stream_stops_total", "source" => stream.source.clone(), "topic" => stream.topic.name()).increment(1);
    }
    Answer::Halted { reason }
}
