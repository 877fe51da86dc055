//! The retry scheduler: feeds what is due in the retry queue back into the queue.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::Topic;
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::begin;
use crate::clock::Looked;
use crate::inbound::{Answer, Hint, Inbound, Via, Wire};
use crate::queue::FlowSender;
use crate::retry_queue::{self, RetryRow};
use crate::schema_ids::{SchemaIdError, SchemaIds};
use crate::sqlstate;
use crate::trust::{Sender, Vouching};

const POLL: Duration = Duration::from_millis(500);
const CHUNK: i64 = 200;
/// After a look that fed nothing it rests so many times as long as that took: what waits behind a dead letter is read at each.
const LOOKS_SHARE: u32 = 9;
/// And no longer than this, as a look may have waited for a database that was away.
const MAX_REST: Duration = Duration::from_secs(10);
/// An older process that runs beside this one may keep something at any time, until it ends.
const FEED_BACK_EVERY: Duration = Duration::from_secs(10);

/// Runs until it is stopped. `fold_before` is of read models: which fold their tables are of once a message is folded that an older build had
/// kept, behind what came later about its row.
pub async fn run(
    pool: PgPool,
    schema_ids: SchemaIds,
    flow: FlowSender,
    changed: Arc<Notify>,
    looked: watch::Receiver<Looked>,
    fold_before: Option<i32>,
    stop: CancellationToken,
) {
    let known = schemas::known_names();
    let mut feed_back_at = Instant::now();
    loop {
        if feed_back_at <= Instant::now() {
            feed_back(&pool, &known, fold_before).await;
            feed_back_at = Instant::now() + FEED_BACK_EVERY;
        }
        let began = Instant::now();
        let feeding = async {
            let rows = begin::answered(retry_queue::due(&pool, &known, CHUNK)).await?;
            let took = began.elapsed();
            let fed = feed(&pool, &schema_ids, &flow, rows).await?;
            Ok::<_, sqlx::Error>((fed, took))
        };
        let fed = tokio::select! {
            () = stop.cancelled() => return,
            fed = feeding => fed,
        };
        let took = match fed {
            Ok((true, _)) => continue,
            Ok((false, took)) => took,
            Err(error) => {
                sqlstate::note(&error);
                tracing::warn!(%error, "the retry queue cannot be read now");
                began.elapsed()
            }
        };
        let rest = (took * LOOKS_SHARE).min(MAX_REST);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed.notified() => {}
            () = something_due(&looked) => {}
            () = tokio::time::sleep_until(feed_back_at) => {}
        }
    }
}

/// Until the last look at the log's head says that something may be due.
async fn something_due(looked: &watch::Receiver<Looked>) {
    loop {
        tokio::time::sleep(POLL).await;
        if looked.borrow().retries {
            return;
        }
    }
}

/// Makes due what an earlier build kept because it did not know the kind.
async fn feed_back(pool: &PgPool, known: &[&str], fold_before: Option<i32>) {
    let fed = retry_queue::feed_back_known(pool, known, fold_before);
    match begin::answered(fed).await {
        Ok(0) => {}
        Ok(rows) if fold_before.is_some() => tracing::warn!(
            rows,
            "messages that an older build had kept are folded behind what came later: make the tables again with ./tributary replay swap"
        ),
        Ok(rows) => tracing::info!(
            rows,
            "messages of kinds that this build knows are handled now"
        ),
        Err(error) => {
            tracing::warn!(%error, "kept messages cannot be looked at now");
        }
    }
}

/// Feeds what is due; true when something left the table, so that what was queued behind it may be due too.
async fn feed(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    flow: &FlowSender,
    rows: Vec<RetryRow>,
) -> Result<bool, sqlx::Error> {
    let mut due = Vec::with_capacity(rows.len());
    let mut unreadable = BTreeSet::new();
    for row in rows {
        if unreadable.contains(&row.schema_id) {
            continue;
        }
        match schema_ids.get(pool, row.schema_id).await {
            Ok(schema) => due.extend(to_inbound(row, schema)),
            Err(SchemaIdError::Sql(error)) => return Err(error),
            // It stays, with those behind it, and holds nobody else up.
            Err(error) => {
                tracing::warn!(source = row.source, id = %row.message_id, %error, "a message of the retry queue cannot be read");
                unreadable.insert(row.schema_id);
            }
        }
    }
    if !unreadable.is_empty() {
        let schemas: Vec<i32> = unreadable.into_iter().collect();
        begin::answered(retry_queue::put_off(pool, &schemas)).await?;
    }
    if due.is_empty() {
        return Ok(false);
    }
    let Ok(answers) = flow.send(due).await else {
        return Ok(false);
    };
    let answers = answers.await.unwrap_or_default();
    // What is repeated has left it by another replica, or stays behind what is not among these.
    let stays = |answer: &Answer| matches!(answer, Answer::InRetryQueue | Answer::Repeated);
    Ok(!answers.iter().all(stays))
}

/// A message of the retry queue as it is fed back. `None` when this build does not know its topic.
pub fn to_inbound(row: RetryRow, schema: Arc<schemas::WriterSchema>) -> Option<Inbound> {
    let topic = Topic::parse(&row.topic)?;
    let hint = Hint {
        source: Some(&row.source),
        subject: row.subject.as_deref(),
        ..Hint::default()
    };
    let wire = Wire {
        schema,
        bytes: Bytes::from(row.body),
    };
    let sender = Sender::stored(&row.origin, &row.source);
    let vouching = Vouching::Transport(&sender);
    let mut inbound = Inbound::read(topic, 0, wire, || row.message_id, &hint, vouching);
    inbound.id = row.message_id;
    inbound.source = row.source;
    inbound.via = Via::InRetryQueue {
        attempts: row.attempts,
        arrival: row.arrival,
        deadline: row.deadline,
        edition: row.edition,
    };
    inbound.stream = None;
    Some(inbound)
}
