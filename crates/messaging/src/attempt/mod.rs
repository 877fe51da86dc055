//! One try at handling a batch in one transaction.

pub(crate) mod about;
mod decide;
mod door;
mod park;
mod plan;

use std::collections::{HashMap, HashSet};

use schemas::Message;
use uuid::Uuid;

use crate::domain::Domain;
use crate::engine::Engine;
use crate::inbound::{Answer, Content, Inbound};
use crate::retry_queue::State;
use crate::sqlstate::{Fault, fault};
use crate::superseded;
use crate::tx::{Lookups, WriteTx};
use about::settle;
use park::Park;
use plan::Plan;

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
    pub retry_queue_changed: bool,
}

pub(crate) struct Attempt<'a, D> {
    pub engine: &'a Engine<D>,
    /// Messages that failed before, by index: they go to the retry queue.
    pub suspects: &'a HashMap<usize, String>,
}

impl<D: Domain> Attempt<'_, D> {
    pub(crate) async fn run(&self, messages: &[&Inbound]) -> Result<Done, Failure> {
        let mut tx = self.begin(messages).await?;
        let (answers, retry_queue_changed) = self.handle_all(&mut tx, messages).await?;
        let unusable = unusable_facts(&tx, messages);
        let position = tx.commit().await?;
        for topic in unusable {
            metrics::counter!(FACTS_DEAD_LETTERED, "topic" => topic).increment(1);
        }
        Ok(Done {
            answers,
            position,
            retry_queue_changed,
        })
    }

    /// Everything but the commit. Returns whether the retry queue changed.
    pub(crate) async fn handle_all(
        &self,
        tx: &mut WriteTx,
        messages: &[&Inbound],
    ) -> Result<(Vec<Answer>, bool), Failure> {
        let before = superseded::among(tx, messages).await?;
        let plans = self.plan(tx, messages, &before);
        let superseded = superseded(tx, messages, &plans);
        superseded::add(tx.connection(), &superseded).await?;
        let to_handle: Vec<&Message> = plans
            .iter()
            .zip(messages)
            .filter(|(plan, _)| matches!(plan, Plan::Handle))
            .filter_map(|(_, inbound)| inbound.message())
            .collect();
        let mut state = if to_handle.is_empty() {
            None
        } else {
            Some(self.engine.domain.load(tx, &to_handle).await?)
        };
        let mut blocked = std::mem::take(&mut tx.blocked);
        let behind = || Park::plain(State::Queued, "behind a parked message".to_owned());
        let mut retry_queue_changed = false;
        let mut answers = Vec::with_capacity(messages.len());
        for (index, (plan, inbound)) in plans.into_iter().zip(messages).enumerate() {
            let answer = match plan {
                Plan::Answer(answer) => {
                    // What an earlier build kept may turn out to concern nobody here.
                    if matches!(answer, Answer::Skipped) {
                        settle(tx, inbound);
                    }
                    answer
                }
                Plan::TurnAway(rejection) => door::turn_away(tx, inbound, index, rejection)?,
                Plan::Park(state, reason) => {
                    // What cannot be read keeps its place behind what is about the same, as what is handled does.
                    let has_turn = matches!(inbound.content, Content::Unreadable { .. })
                        && inbound.has_place()
                        && !inbound.is_from_retry_queue();
                    let park = if has_turn && blocked.blocks(inbound) {
                        behind()
                    } else {
                        Park::plain(state, reason)
                    };
                    self.park(tx, inbound, park, &mut blocked).await?
                }
                Plan::Handle => {
                    let waits = blocked.blocks(inbound);
                    match (&mut state, waits && !inbound.is_from_retry_queue()) {
                        (_, true) => self.park(tx, inbound, behind(), &mut blocked).await?,
                        (Some(state), false) => {
                            self.handle(tx, state, inbound, index, &mut blocked).await?
                        }
                        (None, false) => Answer::Skipped,
                    }
                }
            };
            retry_queue_changed |=
                matches!(answer, Answer::InRetryQueue) || inbound.is_from_retry_queue();
            answers.push(answer);
        }
        retry_queue_changed |= tx.any_waiting;
        if let Some(state) = state {
            self.engine.domain.save(tx, state).await?;
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
            subjects.extend(inbound.subject().map(str::to_owned));
        }
        let lookups = Lookups {
            commands: &commands,
            subjects: &subjects,
            from_retry_queue: &from_retry_queue,
        };
        Ok(WriteTx::begin(&self.engine.pool, &self.engine.writer, lookups).await?)
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
