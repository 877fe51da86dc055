//! One try at handling a batch in one transaction.

pub(crate) mod about;
mod door;
mod park;
mod plan;

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use schemas::{EngineCode, Message, Rejection, Written};
use uuid::Uuid;

use crate::domain::{Context, Decision};
use crate::dyn_domain::DynBatch;
use crate::engine::Engine;
use crate::inbound::{Answer, Content, Inbound, Via};
use crate::inbox;
use crate::retry_queue::State;
use crate::retry_queue::blocked::Blocked;
use crate::sqlstate::{Fault, fault};
use crate::superseded;
use crate::tx::{Lookups, NewMessage, WriteTx};
use about::{mark, reject, settle};
use park::Park;
use plan::Plan;

/// Why a try failed. Nothing of it remains.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody's fault: try the same again.
    Outage(String),
    /// It took longer than a database is waited for: that is silent, or this is too much at once.
    Unanswered(String),
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
    pub retry_queue_changed: bool,
    /// Whether nothing was done but to pass messages by.
    pub passed_by: bool,
}

pub(crate) struct Attempt<'a> {
    pub engine: &'a Engine,
    /// Messages that failed before, by index: they go to the retry queue in this state, for this reason.
    pub suspects: &'a HashMap<usize, (State, String)>,
}

impl Attempt<'_> {
    pub(crate) async fn run(&self, messages: &[&Inbound]) -> Result<Done, Failure> {
        let mut tx = self.begin(messages).await?;
        let (answers, retry_queue_changed) = self.handle_all(&mut tx, messages).await?;
        let unusable = unusable_facts(&tx, messages);
        let passed_by = answers.iter().zip(messages).all(|(answer, inbound)| {
            matches!(answer, Answer::Skipped) && !inbound.is_from_retry_queue()
        });
        let position = tx.commit_batch(passed_by).await?;
        for topic in unusable {
            metrics::counter!(FACTS_DEAD_LETTERED, "topic" => topic).increment(1);
        }
        Ok(Done {
            answers,
            position,
            retry_queue_changed,
            passed_by,
        })
    }

    /// Everything but the commit. Returns whether the retry queue changed.
    pub(crate) async fn handle_all(
        &self,
        tx: &mut WriteTx,
        messages: &[&Inbound],
    ) -> Result<(Vec<Answer>, bool), Failure> {
        let before = superseded::among(tx, messages, self.engine.domain.levels()).await?;
        let plans = self.plan(tx, messages, &before);
        let superseded = superseded(tx, messages, &plans);
        superseded::add(tx.connection(), &superseded).await?;
        let to_handle: Vec<&Message> = plans
            .iter()
            .zip(messages)
            .filter(|(plan, _)| matches!(plan, Plan::Handle))
            .filter_map(|(_, inbound)| inbound.message())
            .collect();
        let mut batch = if to_handle.is_empty() {
            None
        } else {
            Some(self.engine.domain.load(tx, &to_handle).await?)
        };
        let mut blocked = std::mem::take(&mut tx.blocked);
        let mut stays = Blocked::default();
        let behind = || Park::plain(State::Queued, "behind a parked message".to_owned());
        let mut retry_queue_changed = false;
        let mut answers = Vec::with_capacity(messages.len());
        for (index, (plan, inbound)) in plans.into_iter().zip(messages).enumerate() {
            let is_fed_back = inbound.is_from_retry_queue();
            let answer = match plan {
                // What came before it about its aggregate stays in the retry queue, and so does it.
                _ if is_fed_back && stays.blocks(inbound) => Answer::InRetryQueue,
                Plan::Answer(answer) => {
                    // What an earlier build kept may turn out to concern nobody here.
                    if matches!(answer, Answer::Skipped) {
                        settle(tx, inbound);
                    }
                    answer
                }
                Plan::TurnAway(rejection) => door::turn_away(tx, inbound, index, rejection)?,
                Plan::DecidedAgain(before) => {
                    let park = Park::plain(State::Dead, plan::decided_again(before));
                    self.park(tx, inbound, park, &mut blocked).await?
                }
                Plan::Park(state, reason) => {
                    // What cannot be read keeps its place behind what is about the same, as what is handled does.
                    let has_turn = matches!(inbound.content, Content::Unreadable { .. })
                        && inbound.has_place()
                        && !is_fed_back;
                    let park = if has_turn && blocked.blocks(inbound) {
                        behind()
                    } else {
                        Park::plain(state, reason)
                    };
                    self.park(tx, inbound, park, &mut blocked).await?
                }
                Plan::Handle => {
                    let waits = blocked.blocks(inbound);
                    match (&mut batch, waits && !is_fed_back) {
                        (_, true) => self.park(tx, inbound, behind(), &mut blocked).await?,
                        (Some(batch), false) => {
                            self.handle(tx, batch.as_mut(), inbound, index, &mut blocked)
                                .await?
                        }
                        (None, false) => Answer::Skipped,
                    }
                }
            };
            if is_fed_back
                && matches!(answer, Answer::InRetryQueue | Answer::Repeated)
                && let Some(subject) = inbound.subject()
            {
                stays.add(inbound.entity(), subject);
            }
            // What was behind it may be due; what goes there is so later.
            retry_queue_changed |=
                is_fed_back && !matches!(answer, Answer::InRetryQueue | Answer::Repeated);
            answers.push(answer);
        }
        retry_queue_changed |= tx.any_waiting;
        if let Some(batch) = batch {
            batch.save(tx).await?;
        }
        Ok((answers, retry_queue_changed))
    }

    async fn begin(&self, messages: &[&Inbound]) -> Result<WriteTx, Failure> {
        let (mut commands, mut subjects, mut from_retry_queue) =
            (Vec::new(), Vec::new(), Vec::new());
        for inbound in messages {
            if inbound.is_from_retry_queue() {
                from_retry_queue.push(inbound.id);
                continue;
            }
            if inbound.has_inbox_row() {
                commands.push(inbound.id);
            }
            // What is passed by waits behind nothing.
            if inbound.concerns(self.engine.domain.service()) {
                subjects.extend(inbound.subject().map(str::to_owned));
            }
        }
        let lookups = Lookups {
            commands: &commands,
            subjects: &subjects,
            from_retry_queue: &from_retry_queue,
        };
        let begun = WriteTx::begin_batch(&self.engine.pool, &self.engine.writer, lookups).await;
        // Nothing of any message has been tried: whoever has the lock for so long, an operator's act or a backup, is no message's fault.
        begun.map_err(|error| match Failure::from(error) {
            Failure::TooLarge(reason) => Failure::Outage(reason),
            failure => failure,
        })
    }

    /// Has one message decided upon, and records what follows.
    async fn handle(
        &self,
        tx: &mut WriteTx,
        batch: &mut dyn DynBatch,
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
        let decide = || batch.handle(message, &context);
        let decision = unless_it_panics("handling it", decide)
            .map_err(|reason| Failure::Suspect { index, reason })?;
        match decision {
            Decision::Events(events) => self.record(tx, batch, inbound, index, events),
            Decision::Noted => {
                note(batch, message).map_err(|reason| Failure::Suspect { index, reason })?;
                settle(tx, inbound);
                Ok(Answer::Done(Vec::new()))
            }
            Decision::Rejected(rejection) if inbound.kind().is_some_and(|kind| kind.command) => {
                reject(tx, inbound, index, rejection)
            }
            Decision::WaitFor { what, seconds } => {
                let timed_out = inbound.deadline().is_some_and(|at| at <= tx.now().0);
                if timed_out && inbound.kind().is_some_and(|kind| kind.command) {
                    return reject(tx, inbound, index, timed_out_waiting(&what));
                }
                let park = if timed_out {
                    Park::plain(State::Dead, timed_out_waiting(&what).detail.into_owned())
                } else {
                    let from_now = tx.now().0 + seconds * 1_000_000;
                    Park::waiting(what, inbound.deadline().unwrap_or(from_now))
                };
                self.park(tx, inbound, park, blocked).await
            }
            Decision::Rejected(rejection) => {
                let park = Park::plain(State::Dead, unusable(rejection));
                self.park(tx, inbound, park, blocked).await
            }
            Decision::DeadLetter(reason) => {
                self.park(tx, inbound, Park::plain(State::Dead, reason), blocked)
                    .await
            }
        }
    }

    /// Appends what happened, then evolves the states by it.
    fn record(
        &self,
        tx: &mut WriteTx,
        batch: &mut dyn DynBatch,
        inbound: &Inbound,
        index: usize,
        events: Vec<Written>,
    ) -> Result<Answer, Failure> {
        let Some(message) = inbound.message() else {
            return Ok(Answer::Skipped);
        };
        let suspect = |reason: String| Failure::Suspect { index, reason };
        let Some(topic) = self.engine.domain.service().events_topic() else {
            return Err(suspect("this service has no events".to_owned()));
        };
        if events.is_empty() {
            return Err(suspect("it was handled without any event".to_owned()));
        }
        let is_command = inbound.kind().is_some_and(|kind| kind.command);
        let mut emitted = Vec::new();
        let mut first = None;
        for (ordinal, written) in events.into_iter().enumerate() {
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
            let evolve = || batch.evolve(ordinal, id, time, position);
            unless_it_panics("evolving", evolve)
                .map_err(suspect)?
                .map_err(|error| suspect(error.to_string()))?;
            if tx.any_waiting {
                let resumes = || batch.resumes(ordinal);
                for what in unless_it_panics("what it resumes", resumes).map_err(suspect)? {
                    tx.resume(what);
                }
            }
        }
        note(batch, message).map_err(suspect)?;
        if is_command {
            tx.mark(mark(inbound, tx.now().0, inbox::State::Done, None, first));
        }
        settle(tx, inbound);
        Ok(Answer::Done(emitted))
    }
}

/// Counts facts that came and went dead at once, whichever way they cannot be used.
pub(crate) const FACTS_DEAD_LETTERED: &str = "tributary_facts_dead_lettered_total";

/// The topics of such facts, each as often as it has one.
fn unusable_facts(tx: &WriteTx, messages: &[&Inbound]) -> Vec<&'static str> {
    let dead: HashSet<_> = tx
        .new_retry_rows()
        .iter()
        .filter(|row| row.state == State::Dead && row.attempts == 0)
        .map(|row| (row.source.as_str(), row.message_id))
        .collect();
    let unusable = messages.iter().filter(|inbound| {
        let came = !inbound.topic.is_commands() && !inbound.is_from_retry_queue();
        came && dead.contains(&(inbound.source.as_str(), inbound.id))
    });
    unusable.map(|inbound| inbound.topic.name()).collect()
}

/// What is handled of histories whose successors were accepted: it may be decided again.
fn superseded(tx: &WriteTx, messages: &[&Inbound], plans: &[Plan]) -> Vec<Uuid> {
    let is_old = |inbound: &Inbound| {
        let stream = inbound.stream.as_ref();
        stream.is_some_and(|(it, _)| tx.accepted_epoch(&it.source) > it.epoch)
    };
    let handled = plans
        .iter()
        .zip(messages)
        .filter(|(plan, inbound)| matches!(plan, Plan::Handle) && is_old(inbound));
    handled.map(|(_, inbound)| inbound.id).collect()
}

fn timed_out_waiting(what: &str) -> Rejection {
    let detail = format!("{what} did not become known in time");
    Rejection::new(EngineCode::TimedOutWaiting, detail)
}

/// Why a fact that cannot be refused becomes a dead letter.
fn unusable(rejection: Rejection) -> String {
    match rejection.pointer {
        Some(pointer) => format!("{pointer}: {}", rejection.detail),
        None => rejection.detail.into_owned(),
    }
}

/// What somebody else's code comes to; what it panicked with is a message's fault, and not the process's end.
fn unless_it_panics<T>(what: &str, does: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(does))
        .map_err(|panic| format!("{what} panicked: {}", panic_text(&*panic)))
}

/// Has a message noted beside what it decides, as read models fold all that they follow.
fn note(batch: &mut dyn DynBatch, message: &Message) -> Result<(), String> {
    let noted = unless_it_panics("noting it", || batch.side_data(message))?;
    noted.map_err(|error| error.to_string())
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
