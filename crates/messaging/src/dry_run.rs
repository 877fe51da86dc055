//! The dry run: what handling a message would come to now, without any of it staying.

use std::collections::HashMap;

use futures::future::BoxFuture;
use schemas::{Topic, WriterSchema};
use serde_json::Value;

use crate::attempt::{Attempt, Failure};
use crate::engine::Engine;
use crate::inbound::{Answer, Inbound};
use crate::tx::{Lookups, WriteTx};

/// What handling a message would come to.
#[derive(Debug)]
pub enum DryRunResult {
    /// It would be handled, and emit these messages, as [`schemas::show`] has them; none for a read model's note.
    Handled(Vec<Value>),
    /// It would be refused: what would be returned to who asked.
    Rejected {
        /// One of the service's closed list.
        code: String,
        /// For the person who asked.
        detail: String,
    },
    /// It would go to the retry queue again.
    InRetryQueue {
        /// In which state.
        state: &'static str,
        /// Why.
        reason: String,
        /// What it would wait for.
        waiting_for: Option<String>,
    },
    /// It concerns nobody here: it would leave the table.
    Skipped,
    /// It would fail, and be tried again later.
    Failed {
        /// Why.
        reason: String,
    },
    /// Nothing can be said: a dependency is away.
    Outage {
        /// Which.
        reason: String,
    },
}

/// A domain whose type nobody needs to know for a dry run.
pub trait DryRun: Send + Sync {
    /// Handles a message as if it were due and first of its subject; under the writer lock, in a transaction that is rolled
    /// back.
    fn dry_run(&self, inbound: Inbound) -> BoxFuture<'_, DryRunResult>;
}

impl DryRun for Engine {
    fn dry_run(&self, mut inbound: Inbound) -> BoxFuture<'_, DryRunResult> {
        inbound.name_subject(|message| self.domain.subject_of(message));
        Box::pin(async move { handle(self, &inbound).await })
    }
}

async fn handle(engine: &Engine, inbound: &Inbound) -> DryRunResult {
    let attempt = Attempt {
        engine,
        suspects: &HashMap::new(),
    };
    let tx = WriteTx::begin(&engine.pool, &engine.writer, Lookups::default()).await;
    let mut tx = match tx {
        Ok(tx) => tx,
        Err(error) => return failed(error.into()),
    };
    tx.alive
        .insert((inbound.source.clone(), inbound.id, inbound.edition()));
    // Dropping the transaction rolls it back.
    match attempt.handle_all(&mut tx, &[inbound]).await {
        Ok((mut answers, _)) => came_to(&tx, answers.pop()),
        Err(failure) => failed(failure),
    }
}

fn came_to(tx: &WriteTx, answer: Option<Answer>) -> DryRunResult {
    match answer {
        Some(Answer::Rejected { code, detail, .. }) => DryRunResult::Rejected { code, detail },
        Some(Answer::Skipped) => DryRunResult::Skipped,
        Some(Answer::InRetryQueue) => {
            let row = tx.new_retry_rows().first();
            DryRunResult::InRetryQueue {
                state: row.map_or("", |row| row.state.name()),
                reason: row.map(|row| row.reason.clone()).unwrap_or_default(),
                waiting_for: row.and_then(|row| row.waiting_for.clone()),
            }
        }
        _ => DryRunResult::Handled(would_emit(tx)),
    }
}

fn would_emit(tx: &WriteTx) -> Vec<Value> {
    let Some(topic) = tx.service().events_topic() else {
        return Vec::new();
    };
    let show = |body: &[u8], topic: Topic| {
        schemas::show(&WriterSchema::current(topic), body).unwrap_or_default()
    };
    tx.appended()
        .iter()
        .map(|row| show(&row.body, topic))
        .collect()
}

fn failed(failure: Failure) -> DryRunResult {
    match failure {
        Failure::Outage(reason) | Failure::Unanswered(reason) | Failure::TooLarge(reason) => {
            DryRunResult::Outage { reason }
        }
        Failure::Message(reason) | Failure::Suspect { reason, .. } => {
            DryRunResult::Failed { reason }
        }
    }
}
