//! What one service knows of a request or an aggregate: messages of its log, what is in its retry queue, which commands it handled,
//! and how far it has followed others. For timelines, which nobody's message waits for.

pub mod stream;
pub mod summary;

use std::collections::BTreeSet;

use futures::{Stream, StreamExt};
use schemas::WriterSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool};
use std::sync::Arc;
use uuid::Uuid;

use crate::log::LogRow;
use crate::schema_ids::{SchemaIdError, SchemaIds};

/// Messages of one answer at most, and rows of the retry queue.
pub const MAX_MESSAGES: usize = 1_000;
/// Correlation ids and subjects of one question at most.
pub const MAX_NAMED: usize = 64;
/// Bodies of one answer at most, in bytes: decoded, a byte of some takes thirty-two.
const MAX_BYTES: usize = crate::transport::MAX_ANSWER_BYTES / 16;

/// What is looked for: messages of any of these requests, or about any of these aggregates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Requests.
    pub correlation_ids: Vec<Uuid>,
    /// Aggregates.
    pub subjects: Vec<String>,
    /// Of the requests only what one of these caused; empty: all of it.
    #[serde(default)]
    pub causation_ids: Vec<Uuid>,
}

/// What a service answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Related {
    /// Of its log, by position.
    pub messages: Vec<RelatedMessage>,
    /// Of its retry queue.
    pub retry_queue: Vec<InRetryQueue>,
    /// The commands that those messages are the outcome of, or that are in the retry queue.
    pub commands: Vec<HandledCommand>,
    /// How far it has followed.
    pub watermarks: Vec<Followed>,
    /// Up to this position its log is in archived files alone, which were not looked at; 0 where none is.
    pub archived_to: i64,
    /// There is more than is answered with.
    pub truncated: bool,
}

/// A message of a log, decoded by the schema that wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelatedMessage {
    /// Its place in the log.
    pub position: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// The topic whose schema it was written with.
    pub topic: String,
    /// Whether it travels.
    pub published: bool,
    /// The topic's partition.
    pub partition: Option<i32>,
    /// The log's epoch when it was written.
    pub epoch: Option<i64>,
    /// Its place in the stream.
    pub sequence: Option<i64>,
    /// What routes it.
    pub key: String,
    /// The aggregate.
    pub subject: String,
    /// When it was recorded, in microseconds.
    pub time: i64,
    /// The original request's correlation id.
    pub correlation_id: Uuid,
    /// What caused it.
    pub causation_id: Option<Uuid>,
    /// The command whose outcome it is.
    pub outcome_of: Option<Uuid>,
    /// Who asked.
    pub actor: Option<Value>,
    /// What it says; `None` where that cannot be read.
    pub payload: Option<Value>,
}

/// A message that is in the retry queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct InRetryQueue {
    /// Who sent it.
    pub source: String,
    /// Its id.
    pub message_id: Uuid,
    /// Its type, where it can be read.
    pub kind: Option<String>,
    /// The aggregate.
    pub subject: Option<String>,
    /// See [`crate::retry_queue::State`].
    pub state: String,
    /// Why.
    pub reason: String,
    /// What it waits for.
    pub waiting_for: Option<String>,
    /// Failed attempts.
    pub attempts: i32,
    /// When it is looked at next, in microseconds.
    pub next_at: i64,
    /// When waiting ends, in microseconds.
    pub deadline: Option<i64>,
    /// When it went there first, in microseconds.
    pub since: i64,
    /// When it was recorded, in microseconds, where that can be read.
    pub time: Option<i64>,
    /// The request.
    pub correlation_id: Option<Uuid>,
    /// What caused it.
    pub causation_id: Option<Uuid>,
}

/// A command as the inbox has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct HandledCommand {
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// Who sent it.
    pub source: String,
    /// The aggregate.
    pub subject: String,
    /// When it was handled first, in microseconds.
    pub received_at: i64,
    /// `done`, `rejected`, `parked` or `dropped`.
    pub state: String,
    /// Why it was refused.
    pub code: Option<String>,
}

/// How far a stream was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Followed {
    /// Whose.
    pub source: String,
    /// Of the source's log.
    pub epoch: i64,
    /// Which topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// The last that was taken.
    pub sequence: i64,
}

/// Everything that is read stands at one moment. The plan is the one by the index, be the table small or its statistics old; a
/// statement that takes longer than anybody waits for it is given up.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off;
    SET LOCAL enable_indexscan = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL statement_timeout = '900ms'";

/// Without an order: pages come as they lie, which is nearly by position, so that a limit leaves the later ones out.
const OF_REQUESTS: &str = "SELECT * FROM pipeline.message_log WHERE correlation_id = ANY($1) AND ($3 OR causation_id = ANY($4)) LIMIT $2";
const OF_SUBJECTS: &str = "SELECT * FROM pipeline.message_log WHERE subject = ANY($1) LIMIT $2";

/// The columns of [`InRetryQueue`].
macro_rules! retry_columns {
    () => {
        "source, message_id, header::json ->> 'type' AS kind, subject, state, reason, waiting_for, attempts, next_at, deadline, parked_at AS since, \
         (header::json ->> 'time')::bigint AS time, (header::json ->> 'correlationid')::uuid AS correlation_id, \
         (header::json ->> 'causationid')::uuid AS causation_id"
    };
}

const RETRIED_OF_REQUESTS: &str = concat!(
    "SELECT ",
    retry_columns!(),
    " FROM pipeline.parked WHERE header::json ->> 'correlationid' = ANY($1) LIMIT $2"
);
const RETRIED_OF_SUBJECTS: &str = concat!(
    "SELECT ",
    retry_columns!(),
    " FROM pipeline.parked WHERE subject = ANY($1) LIMIT $2"
);

/// Looks at one service's log, retry queue and inbox.
pub async fn look(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    question: &Question,
) -> Result<Related, SchemaIdError> {
    let mut tx = crate::begin(pool, BEGIN).await?;
    let (mut rows, whole) = rows(&mut tx, question).await?;
    let mut retry_queue = retried(&mut tx, question).await?;
    let truncated = !whole || rows.len() > MAX_MESSAGES || retry_queue.len() > MAX_MESSAGES;
    rows.truncate(MAX_MESSAGES);
    retry_queue.truncate(MAX_MESSAGES);
    let commands = commands(&mut tx, &rows, &retry_queue).await?;
    let watermarks =
        sqlx::query_as("SELECT source, epoch, topic, partition, sequence FROM pipeline.watermark")
            .fetch_all(&mut *tx)
            .await?;
    let archived_to = sqlx::query_scalar("SELECT dropped_to FROM pipeline.log_head")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Related {
        messages: decoded(pool, schema_ids, rows).await?,
        retry_queue,
        commands,
        watermarks,
        archived_to,
        truncated,
    })
}

/// One more than are answered with, where there are more.
fn limit() -> i64 {
    i64::try_from(MAX_MESSAGES).map_or(i64::MAX, |most| most + 1)
}

/// And whether these are all that the statements found: they end where their bodies have [`MAX_BYTES`].
async fn rows(
    connection: &mut PgConnection,
    question: &Question,
) -> Result<(Vec<LogRow>, bool), sqlx::Error> {
    let (mut rows, mut left) = (Vec::new(), MAX_BYTES);
    let mut whole = true;
    if !question.correlation_ids.is_empty() {
        let found = sqlx::query_as(OF_REQUESTS)
            .bind(&question.correlation_ids)
            .bind(limit())
            .bind(question.causation_ids.is_empty())
            .bind(&question.causation_ids);
        whole &= take(found.fetch(&mut *connection), &mut rows, &mut left).await?;
    }
    if !question.subjects.is_empty() {
        let found = sqlx::query_as(OF_SUBJECTS)
            .bind(&question.subjects)
            .bind(limit());
        whole &= take(found.fetch(connection), &mut rows, &mut left).await?;
    }
    rows.sort_unstable_by_key(|row| row.position);
    rows.dedup_by_key(|row| row.position);
    Ok((rows, whole))
}

/// Takes rows while there are bytes `left` for their bodies; whether that were all.
async fn take(
    mut found: impl Stream<Item = Result<LogRow, sqlx::Error>> + Unpin,
    rows: &mut Vec<LogRow>,
    left: &mut usize,
) -> Result<bool, sqlx::Error> {
    while let Some(row) = found.next().await {
        let row = row?;
        let Some(rest) = left.checked_sub(row.body.len()) else {
            return Ok(false);
        };
        *left = rest;
        rows.push(row);
    }
    Ok(true)
}

async fn retried(
    connection: &mut PgConnection,
    question: &Question,
) -> Result<Vec<InRetryQueue>, sqlx::Error> {
    let requests: Vec<String> = texts(&question.correlation_ids);
    let mut found: Vec<InRetryQueue> = sqlx::query_as(RETRIED_OF_REQUESTS)
        .bind(&requests)
        .bind(limit())
        .fetch_all(&mut *connection)
        .await?;
    if !question.subjects.is_empty() {
        let more: Vec<InRetryQueue> = sqlx::query_as(RETRIED_OF_SUBJECTS)
            .bind(&question.subjects)
            .bind(limit())
            .fetch_all(connection)
            .await?;
        let known: BTreeSet<(String, Uuid)> = found
            .iter()
            .map(|row| (row.source.clone(), row.message_id))
            .collect();
        let is_new = |row: &InRetryQueue| !known.contains(&(row.source.clone(), row.message_id));
        found.extend(more.into_iter().filter(is_new));
    }
    Ok(found)
}

fn texts(ids: &[Uuid]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

async fn commands(
    connection: &mut PgConnection,
    rows: &[LogRow],
    retry_queue: &[InRetryQueue],
) -> Result<Vec<HandledCommand>, sqlx::Error> {
    let of_rows = rows.iter().filter_map(|row| row.outcome_of);
    let retried = retry_queue.iter().map(|row| row.message_id);
    let ids: Vec<Uuid> = of_rows.chain(retried).collect();
    sqlx::query_as(
        "SELECT id, type AS kind, source, subject, received_at, state, code FROM pipeline.inbox WHERE id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await
}

/// Decoding takes a while, which a service's one thread has not.
async fn decoded(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    rows: Vec<LogRow>,
) -> Result<Vec<RelatedMessage>, SchemaIdError> {
    let mut readable = Vec::with_capacity(rows.len());
    for row in rows {
        let schema = schema_ids.get(pool, row.schema_id).await?;
        readable.push((row, schema));
    }
    let decoding = tokio::task::spawn_blocking(move || {
        let each = readable.into_iter();
        each.map(|(row, schema)| message(row, &schema)).collect()
    });
    decoding
        .await
        .map_err(|error| sqlx::Error::Io(std::io::Error::other(error)).into())
}

fn message(row: LogRow, schema: &Arc<WriterSchema>) -> RelatedMessage {
    let topic = schema.topic();
    let read = schemas::decode(schema, &row.body).ok();
    let mut shown = read.as_ref().map(|it| schemas::to_json(topic, it));
    let epoch = read.as_ref().and_then(|it| it.header.epoch);
    let mut of = |name: &str| Some(shown.as_mut()?.get_mut(name)?.take());
    let payload = of("payload").and_then(|payload| match payload {
        Value::Object(fields) => fields.into_iter().next().map(|(_, value)| value),
        _ => None,
    });
    RelatedMessage {
        position: row.position,
        id: row.id,
        kind: row.kind,
        topic: topic.name().to_owned(),
        published: row.topic.is_some(),
        partition: row.partition,
        epoch,
        sequence: row.sequence,
        key: row.key,
        subject: row.subject,
        time: row.time,
        correlation_id: row.correlation_id,
        causation_id: row.causation_id,
        outcome_of: row.outcome_of,
        actor: of("actor"),
        payload,
    }
}
