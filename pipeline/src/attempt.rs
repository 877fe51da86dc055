//! One try at handling a batch in one transaction.

pub(crate) mod about;
mod aside;
mod decide;
mod door;
mod plan;

use std::collections::{HashMap, HashSet};

use schemas::Message;
use uuid::Uuid;

use crate::domain::Domain;
use crate::engine::Engine;
use crate::handled_before;
use crate::inbound::{Answer, Inbound};
use crate::parked::State;
use crate::sqlstate::{Fault, fault};
use crate::tx::{Asked, WriteTx};
use about::settle;
use aside::Park;
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
    pub parked_changed: bool,
}

pub(crate) struct Attempt<'a, D> {
    pub engine: &'a Engine<D>,
    /// Messages that failed before, by index: they are set aside.
    pub suspects: &'a HashMap<usize, String>,
}

impl<D: Domain> Attempt<'_, D> {
    pub(crate) async fn run(&self, messages: &[&Inbound]) -> Result<Done, Failure> {
        let loaded_early = if planted::is(planted::Fault::LockTakenLast) {
            self.load_without_lock(messages).await?
        } else {
            None
        };
        let mut tx = self.begin(messages).await?;
        let (answers, parked_changed) = self.handle_all(&mut tx, messages, loaded_early).await?;
        let unusable = unusable_facts(&tx, messages);
        let position = tx.commit().await?;
        for topic in unusable {
            metrics::counter!(FACTS_SET_ASIDE, "topic" => topic).increment(1);
        }
        Ok(Done {
            answers,
            position,
            parked_changed,
        })
    }

    /// Everything but the commit. Tells whether what is set aside changed.
    pub(crate) async fn handle_all(
        &self,
        tx: &mut WriteTx,
        messages: &[&Inbound],
        loaded_early: Option<D::World>,
    ) -> Result<(Vec<Answer>, bool), Failure> {
        let before = handled_before::among(tx, messages).await?;
        let plans = self.plan(tx, messages, &before);
        let superseded = superseded(tx, messages, &plans);
        handled_before::add(tx.connection(), &superseded).await?;
        let to_handle: Vec<&Message> = plans
            .iter()
            .zip(messages)
            .filter(|(plan, _)| matches!(plan, Plan::Handle))
            .filter_map(|(_, inbound)| inbound.message())
            .collect();
        let mut world = if to_handle.is_empty() {
            None
        } else if loaded_early.is_some() {
            loaded_early
        } else {
            Some(self.engine.domain.load(tx, &to_handle).await?)
        };
        let mut blocked = std::mem::take(&mut tx.blocked);
        let mut parked_changed = false;
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
                    self.park(tx, inbound, Park::plain(state, reason), &mut blocked)
                        .await?
                }
                Plan::Handle => {
                    let waits = blocked.blocks(inbound)
                        && !planted::is(planted::Fault::SuccessorPassesFailed);
                    match (&mut world, waits && !inbound.is_parked()) {
                        (_, true) => {
                            let park =
                                Park::plain(State::Queued, "behind a parked message".to_owned());
                            self.park(tx, inbound, park, &mut blocked).await?
                        }
                        (Some(world), false) => {
                            self.handle(tx, world, inbound, index, &mut blocked).await?
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
            self.engine.domain.save(tx, world).await?;
        }
        Ok((answers, parked_changed))
    }

    /// As it must not be: the states as they are before the lock is held.
    async fn load_without_lock(&self, messages: &[&Inbound]) -> Result<Option<D::World>, Failure> {
        let (pool, writer) = (&self.engine.pool, &self.engine.writer);
        let mut tx = WriteTx::begin_without_lock(pool, writer, Asked::default()).await?;
        let known: Vec<&Message> = messages.iter().filter_map(|m| m.message()).collect();
        let world = self.engine.domain.load(&mut tx, &known).await?;
        drop(tx);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        Ok(Some(world))
    }

    async fn begin(&self, messages: &[&Inbound]) -> Result<WriteTx, Failure> {
        let (mut commands, mut subjects, mut parked) = (Vec::new(), Vec::new(), Vec::new());
        for inbound in messages {
            if inbound.is_parked() {
                parked.push(inbound.id);
                continue;
            }
            if inbound.has_inbox_row() {
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
}

/// Counts facts that came and went dead at once, whichever way they cannot be used.
pub(crate) const FACTS_SET_ASIDE: &str = "tributary_facts_set_aside_total";

/// The topics of such facts, each as often as it has one.
fn unusable_facts(tx: &WriteTx, messages: &[&Inbound]) -> Vec<&'static str> {
    let dead: HashSet<_> = tx
        .set_aside()
        .iter()
        .filter(|row| row.state == State::Dead && row.attempts == 0)
        .map(|row| (row.source.as_str(), row.message_id))
        .collect();
    let unusable = messages.iter().filter(|inbound| {
        let came = !inbound.topic.is_commands() && !inbound.is_parked();
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
