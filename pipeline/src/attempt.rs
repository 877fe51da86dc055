//! One try at handling a batch in one transaction.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use schemas::{Body, CommandRejectedV1, CommandStalledV1, Kind, Message, Reach, Topic};
use uuid::Uuid;

use crate::domain::{Context, Domain, Recorded, Rejection, Verdict};
use crate::engine::Engine;
use crate::inbound::{Answer, Content, Inbound, Via};
use crate::inbox;
use crate::parked::{self, NewParked, State};
use crate::sqlstate::{Fault, fault};
use crate::tx::{Asked, Lock, NewMessage, TxError, WriteTx, encode};

/// Why a try failed. Nothing of it remains.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody's fault: try the same again.
    Outage(String),
    /// Try less at once.
    TooLarge(String),
    /// One message's fault, but it is not known whose.
    Message(String),
    /// This message's fault.
    Suspect { index: usize, reason: String },
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let reason = error.to_string();
        match fault(&error) {
            Fault::Outage => Self::Outage(reason),
            Fault::TooLarge => Self::TooLarge(reason),
            Fault::Message => Self::Message(reason),
        }
    }
}

/// What a committed try came to.
pub(crate) struct Done {
    pub answers: Vec<Answer>,
    pub position: i64,
    pub parked_changed: bool,
}

/// What is to be done with a message, before states are loaded.
enum Plan {
    Answer(Answer),
    Park(State, String),
    Handle,
}

pub(crate) struct Attempt<'a, D> {
    pub engine: &'a Engine<D>,
    /// Messages that failed before, by index: they are set aside.
    pub suspects: &'a HashMap<usize, String>,
}

impl<D: Domain> Attempt<'_, D> {
    pub(crate) async fn run(&self, messages: &[&Inbound]) -> Result<Done, Failure> {
        let mut tx = self.begin(messages).await?;
        let plans = self.plan(&mut tx, messages);
        let to_handle: Vec<&Message> = plans
            .iter()
            .zip(messages)
            .filter(|(plan, _)| matches!(plan, Plan::Handle))
            .filter_map(|(_, inbound)| inbound.message())
            .collect();
        let mut world = if to_handle.is_empty() {
            None
        } else {
            Some(self.engine.domain.load(&mut tx, &to_handle).await?)
        };
        let mut blocked: HashSet<String> = tx.blocked.drain(..).collect();
        let mut parked_changed = false;
        let mut answers = Vec::with_capacity(messages.len());
        for (index, (plan, inbound)) in plans.into_iter().zip(messages).enumerate() {
            let answer = match plan {
                Plan::Answer(answer) => answer,
                Plan::Park(state, reason) => {
                    self.park(&mut tx, inbound, Park::plain(state, reason), &mut blocked)
                        .await?
                }
                Plan::Handle => {
                    let waits = inbound.subject().is_some_and(|s| blocked.contains(s));
                    match (&mut world, waits && !inbound.is_parked()) {
                        (_, true) => {
                            let park =
                                Park::plain(State::Queued, "behind a parked message".to_owned());
                            self.park(&mut tx, inbound, park, &mut blocked).await?
                        }
                        (Some(world), false) => {
                            self.handle(&mut tx, world, inbound, index, &mut blocked)
                                .await?
                        }
                        (None, false) => Answer::Skipped,
                    }
                }
            };
            parked_changed |= matches!(answer, Answer::Parked) || inbound.is_parked();
            answers.push(answer);
        }
        parked_changed |= tx.any_waiting;
        if let Some(world) = world {
            self.engine.domain.save(&mut tx, world).await?;
        }
        let position = tx.commit().await?;
        Ok(Done {
            answers,
            position,
            parked_changed,
        })
    }

    async fn begin(&self, messages: &[&Inbound]) -> Result<WriteTx, Failure> {
        let (mut commands, mut subjects, mut parked) = (Vec::new(), Vec::new(), Vec::new());
        for inbound in messages {
            if inbound.is_parked() {
                parked.push(inbound.id);
                continue;
            }
            if inbound.kind().is_some_and(|kind| kind.command) {
                commands.push(inbound.id);
            }
            subjects.extend(inbound.subject().map(str::to_owned));
        }
        let asked = Asked {
            commands: &commands,
            subjects: &subjects,
            parked: &parked,
        };
        Ok(WriteTx::begin(&self.engine.pool, &self.engine.writer, asked).await?)
    }

    fn plan(&self, tx: &mut WriteTx, messages: &[&Inbound]) -> Vec<Plan> {
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
        if known_command && (tx.handled.contains_key(&inbound.id) || !twins.insert(inbound.id)) {
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

    async fn handle(
        &self,
        tx: &mut WriteTx,
        world: &mut D::World,
        inbound: &Inbound,
        index: usize,
        blocked: &mut HashSet<String>,
    ) -> Result<Answer, Failure> {
        let Some(message) = inbound.message() else {
            return Ok(Answer::Skipped);
        };
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
            Ok(Verdict::Rejected(rejection)) => reject(tx, inbound, index, rejection),
            Ok(Verdict::WaitFor { what, seconds }) => {
                let timed_out = matches!(inbound.via, Via::Parked { deadline: Some(at), .. } if at <= tx.now().0);
                if !timed_out {
                    let deadline = inbound
                        .deadline()
                        .unwrap_or(tx.now().0 + seconds * 1_000_000);
                    let park = Park {
                        state: State::Waiting,
                        reason: format!("waits for {what}"),
                        waiting_for: Some(what),
                        deadline: Some(deadline),
                    };
                    return self.park(tx, inbound, park, blocked).await;
                }
                if inbound.kind().is_some_and(|kind| kind.command) {
                    let rejection = Rejection {
                        code: "timed_out_waiting",
                        detail: format!("{what} did not become known in time"),
                        pointer: None,
                    };
                    return reject(tx, inbound, index, rejection);
                }
                let park = Park::plain(State::Dead, format!("{what} did not become known in time"));
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
                    causation_id: Some(message.header.id),
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

    async fn park(
        &self,
        tx: &mut WriteTx,
        inbound: &Inbound,
        park: Park,
        blocked: &mut HashSet<String>,
    ) -> Result<Answer, Failure> {
        let (mut attempts, arrival) = match inbound.via {
            Via::Parked {
                attempts, arrival, ..
            } => (attempts, arrival),
            _ => (0, 0),
        };
        let mut state = park.state;
        if state == State::Retrying {
            attempts += 1;
            if attempts >= parked::MAX_ATTEMPTS {
                state = State::Dead;
            }
        }
        let is_command = inbound.kind().is_some_and(|kind| kind.command);
        if state == State::Dead && is_command && self.engine.writer.lock == Lock::Log {
            stall(tx, inbound, &park.reason, attempts)?;
        }
        // Foreign bytes must not be able to block a subject that they merely name.
        let subject = match &inbound.content {
            Content::Malformed { .. } if inbound.stream.is_none() => None,
            _ => inbound.subject().map(str::to_owned),
        };
        if state != State::UnknownType {
            blocked.extend(subject.clone());
        }
        // What it waits for may come later in this very batch.
        tx.any_waiting |= state == State::Waiting;
        tracing::warn!(id = %inbound.id, source = %inbound.source, topic = inbound.topic.name(), state = state.name(),
            reason = %park.reason, attempts, "a message is set aside");
        let (schema_id, body) = wire_of(tx, inbound).await?;
        let next_at = match state {
            State::Waiting => park.deadline.unwrap_or(0),
            State::Retrying => tx.now().0 + parked::backoff_micros(attempts, inbound.id),
            State::Queued | State::Dead | State::UnknownType => 0,
        };
        tx.park(NewParked {
            source: inbound.source.clone(),
            message_id: inbound.id,
            arrival,
            topic: inbound.topic.name(),
            state,
            reason: storable(&park.reason),
            waiting_for: park.waiting_for,
            subject,
            attempts,
            next_at,
            deadline: park.deadline,
            header: header_json(inbound),
            schema_id,
            body,
        });
        if is_command && self.engine.writer.lock == Lock::Log {
            tx.mark(mark(inbound, tx.now().0, inbox::State::Parked, None, None));
        }
        Ok(Answer::Parked)
    }
}

struct Park {
    state: State,
    reason: String,
    waiting_for: Option<String>,
    deadline: Option<i64>,
}

impl Park {
    fn plain(state: State, reason: String) -> Self {
        Self {
            state,
            reason,
            waiting_for: None,
            deadline: None,
        }
    }
}

impl Inbound {
    /// Its row of the table of kinds, for the topic that it came by.
    pub(crate) fn kind(&self) -> Option<&'static Kind> {
        let header = self.header()?;
        schemas::kind_on(self.topic, &header.kind)
    }

    fn is_parked(&self) -> bool {
        matches!(self.via, Via::Parked { .. })
    }

    fn deadline(&self) -> Option<i64> {
        match self.via {
            Via::Parked { deadline, .. } => deadline,
            _ => None,
        }
    }
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
        return Some(Answer::Repeated);
    }
    if *sequence > expected {
        return Some(Answer::Gap { expected });
    }
    tx.advance(stream, *sequence);
    None
}

/// A parked message that was handled leaves the table.
fn settle(tx: &mut WriteTx, inbound: &Inbound) {
    if inbound.is_parked() {
        tx.unpark(&inbound.source, inbound.id);
    }
}

fn mark(
    inbound: &Inbound,
    received_at: i64,
    state: inbox::State,
    code: Option<&str>,
    outcome_position: Option<i64>,
) -> inbox::Mark {
    let header = inbound.header();
    inbox::Mark {
        id: inbound.id,
        kind: header.map(|h| h.kind.clone()).unwrap_or_default(),
        source: inbound.source.clone(),
        subject: header.map(|h| h.subject.clone()).unwrap_or_default(),
        actor: header
            .and_then(|h| h.actor.as_ref())
            .map(|actor| actor.subject.clone()),
        request_hash: inbound.request_hash.clone(),
        received_at,
        state,
        code: code.map(str::to_owned),
        outcome_position,
    }
}

fn reject(
    tx: &mut WriteTx,
    inbound: &Inbound,
    index: usize,
    rejection: Rejection,
) -> Result<Answer, Failure> {
    let body = |command_type: String| {
        Body::CommandRejectedV1(CommandRejectedV1 {
            command_type,
            code: rejection.code.to_owned(),
            detail: rejection.detail.clone(),
            pointer: rejection.pointer.clone(),
        })
    };
    if !inbound.kind().is_some_and(|kind| kind.command) {
        let reason = format!("a fact was refused with {}: that is a bug", rejection.code);
        return Err(Failure::Suspect { index, reason });
    }
    let position = append_about(tx, inbound, body, true)
        .map_err(|reason| Failure::Suspect { index, reason })?;
    let now = tx.now().0;
    tx.mark(mark(
        inbound,
        now,
        inbox::State::Rejected,
        Some(rejection.code),
        position,
    ));
    settle(tx, inbound);
    Ok(Answer::Rejected {
        code: rejection.code.to_owned(),
        detail: rejection.detail,
        pointer: rejection.pointer,
    })
}

/// Tells followers that a command is stuck and needs an operator.
fn stall(tx: &mut WriteTx, inbound: &Inbound, reason: &str, attempts: i32) -> Result<(), Failure> {
    let body = |command_type: String| {
        Body::CommandStalledV1(CommandStalledV1 {
            command_type,
            reason: reason.chars().take(500).collect(),
            attempts,
        })
    };
    append_about(tx, inbound, body, false)
        .map(|_| ())
        .map_err(Failure::Outage)
}

/// Appends an event about a command itself rather than about what it asked for.
fn append_about(
    tx: &mut WriteTx,
    inbound: &Inbound,
    body: impl FnOnce(String) -> Body,
    outcome: bool,
) -> Result<Option<i64>, String> {
    let Some(header) = inbound.header() else {
        return Ok(None);
    };
    let Some(topic) = tx.service().events_topic() else {
        return Ok(None);
    };
    let body = body(header.kind.clone());
    // A rejection has ordinal 0 like any outcome; a stalled command may still have one later.
    let ordinal = if outcome { 0 } else { usize::from(u16::MAX) };
    tx.append(NewMessage {
        id: tx.event_id(header.id, ordinal),
        topic,
        published: true,
        key: header.key.clone(),
        subject: header.subject.clone(),
        body,
        correlation_id: header.correlation_id,
        causation_id: Some(header.id),
        outcome_of: outcome.then_some(header.id),
        actor: header.actor.clone(),
        traceparent: header.traceparent.clone(),
    })
    .map(|(_, position)| Some(position))
    .map_err(|error: TxError| error.to_string())
}

async fn wire_of(tx: &mut WriteTx, inbound: &Inbound) -> Result<(i32, Vec<u8>), Failure> {
    if let Some(wire) = &inbound.wire {
        let id = tx.schema_id(&wire.schema).await?;
        let kept = wire.bytes.len().min(crate::tx::MAX_BODY_BYTES);
        return Ok((id, wire.bytes[..kept].to_vec()));
    }
    let topic: Topic = inbound.topic;
    let schema = schemas::WriterSchema::current(topic);
    let id = tx.schema_id(&schema).await?;
    let body = match inbound.message() {
        Some(message) => encode(topic, &message.header, &message.body)
            .map_err(|error| Failure::Message(error.to_string()))?,
        None => Vec::new(),
    };
    Ok((id, body))
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

/// A reason as tables take it: it may quote foreign bytes.
fn storable(reason: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    reason.chars().map(printable).take(1_000).collect()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
