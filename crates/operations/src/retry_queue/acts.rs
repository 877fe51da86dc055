//! What operators do with single rows of `pipeline.parked`: each under the writer lock, with its audit.

use messaging::audit::{self, Act};
use messaging::drop_from_retry_queue;
use messaging::retry_queue::RetryRow;
use messaging::retry_scheduler::to_inbound;
use messaging::trust::Sender;
use messaging::{Content, Inbound, Lookups, SchemaIdError, SchemaIds, WriteTx, Writer, encode};
use schemas::{Reach, WriterSchema};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// Which row.
#[derive(Debug, Clone)]
pub struct Key {
    /// Who sent it.
    pub source: String,
    /// The message's id.
    pub id: Uuid,
}

/// Who acts, and why.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The token's subject.
    pub actor: &'a str,
    /// In the operator's own words.
    pub reason: &'a str,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// Its writer schema is unusable.
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    /// The row left the table: it was handled, or somebody dropped it.
    #[error("it is not in the retry queue any more")]
    Gone,
    /// The row is in a state in which that makes no sense.
    #[error("{0}")]
    NotNow(String),
    /// The edited payload is not one.
    #[error(transparent)]
    Edit(#[from] schemas::EditError),
    /// What must be reported of it cannot be.
    #[error("{0}")]
    Unreported(String),
}

/// Makes a row due at once, a dead one with all its attempts before it again. It is handled in order: behind what arrived
/// for its subject before it.
pub async fn redrive(
    pool: &PgPool,
    writer: &Writer,
    key: &Key,
    by: By<'_>,
) -> Result<(), ActError> {
    let (mut tx, row) = begin(pool, writer, key).await?;
    refuse_what_is_decided_again(&row)?;
    match row.state.as_str() {
        "unknown_type" => {
            let reason = "this build does not know its kind: a build that does takes it by itself when it starts";
            return Err(ActError::NotNow(reason.to_owned()));
        }
        "queued" => {
            let reason =
                "it waits behind an earlier message of its subject: redrive or drop that one";
            return Err(ActError::NotNow(reason.to_owned()));
        }
        _ if !is_known(&row) => {
            let reason = "this build does not know its kind: redrive it when one that does runs";
            return Err(ActError::NotNow(reason.to_owned()));
        }
        _ => {}
    }
    note(&mut tx, "parked.redrive", &row, by, json!({})).await?;
    flip(&mut tx, &[row.arrival], None).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether this build has its kind: made due, what it has not would wait for a build that does where nobody sees it.
fn is_known(row: &RetryRow) -> bool {
    let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
    let kind = header["type"].as_str();
    kind.is_none_or(|kind| schemas::known_names().contains(&kind))
}

fn refuse_what_is_decided_again(row: &RetryRow) -> Result<(), ActError> {
    if row.is_decided_again() {
        let reason = "what it says had its effect already and would have it a second time: drop it (docs/runbooks/restore.md)";
        return Err(ActError::NotNow(reason.to_owned()));
    }
    Ok(())
}

/// Makes rows due at once, of kinds that this build has; how many were.
pub(super) async fn flip(
    tx: &mut WriteTx,
    arrivals: &[i64],
    job: Option<Uuid>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE pipeline.parked
            SET attempts = CASE WHEN state = 'dead' THEN 0 ELSE attempts END,
                state = CASE WHEN state = 'dead' THEN 'retrying' ELSE state END,
                next_at = 0, edition = edition + 1, redrive = coalesce($2, redrive)
          WHERE arrival = ANY($1) AND state IN ('dead', 'retrying', 'waiting')
            AND coalesce(header::json ->> 'type' = ANY($3), true)",
    )
    .bind(arrivals)
    .bind(job)
    .bind(schemas::known_names())
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// Takes a row away for good and lets its followers go. A command ends with the outcome `dropped_by_operator`; the bytes
/// of a service's are kept. Returns the log's head.
pub async fn drop(pool: &PgPool, writer: &Writer, key: &Key, by: By<'_>) -> Result<i64, ActError> {
    let (mut tx, row) = begin(pool, writer, key).await?;
    let inbound = inbound(pool, &writer.schema_ids, &row).await?;
    let detail = json!({ "set_aside_for": row.reason, "attempts": row.attempts });
    let audit = note(&mut tx, "parked.drop", &row, by, detail).await?;
    keep(&mut tx, audit, &row, &inbound.sender).await?;
    drop_from_retry_queue(&mut tx, &inbound).map_err(ActError::Unreported)?;
    Ok(tx.commit().await?)
}

/// Puts an edited payload in the place of a row's own; id, type, subject and key stay. The old bytes of a service's are kept. The row
/// stays as it is otherwise: a dead one waits for its redrive.
pub async fn edit(
    pool: &PgPool,
    writer: &Writer,
    key: &Key,
    by: By<'_>,
    payload: Value,
) -> Result<(), ActError> {
    let (mut tx, row) = begin(pool, writer, key).await?;
    refuse_what_is_decided_again(&row)?;
    let inbound = inbound(pool, &writer.schema_ids, &row).await?;
    let bytes = edited_bytes(&inbound, payload)?;
    let schema_id = tx.schema_id(&WriterSchema::current(inbound.topic)).await?;
    let detail = json!({ "bytes_before": row.body.len(), "bytes": bytes.len() });
    let audit = note(&mut tx, "parked.edit", &row, by, detail).await?;
    keep(&mut tx, audit, &row, &inbound.sender).await?;
    sqlx::query(
        "UPDATE pipeline.parked SET schema_id = $3, body = $4, edition = edition + 1 WHERE source = $1 AND message_id = $2",
    )
    .bind(&row.source)
    .bind(row.message_id)
    .bind(schema_id)
    .bind(&bytes)
    .execute(tx.connection())
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The message with an edited payload, by this build's schema.
pub(super) fn edited_bytes(inbound: &Inbound, payload: Value) -> Result<Vec<u8>, ActError> {
    let is_known = !matches!(inbound.content, Content::UnknownKind(_));
    let (header, kept) = inbound
        .header()
        .zip(inbound.kept())
        .filter(|_| is_known)
        .ok_or_else(|| {
            let reason = "this build cannot read it, so nothing of it can be edited";
            ActError::NotNow(reason.to_owned())
        })?;
    if schemas::kind(&header.kind).is_some_and(|kind| kind.reach == Reach::Own) {
        let reason = "it is a service's word to itself, and says what that found: nobody else says it otherwise";
        return Err(ActError::NotNow(reason.to_owned()));
    }
    let body = schemas::edit(&kept.schema, &kept.bytes, payload)?;
    let bytes = encode(inbound.topic, header, &body);
    bytes.map_err(|error| {
        ActError::Edit(schemas::EditError {
            pointer: String::new(),
            detail: error.to_string(),
        })
    })
}

/// A row as it would be fed back.
pub async fn inbound(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    row: &RetryRow,
) -> Result<Inbound, ActError> {
    let schema = schema_ids.get(pool, row.schema_id).await?;
    let unknown = || ActError::NotNow(format!("this build knows no topic {}", row.topic));
    to_inbound(row.clone(), schema).ok_or_else(unknown)
}

async fn begin(pool: &PgPool, writer: &Writer, key: &Key) -> Result<(WriteTx, RetryRow), ActError> {
    let mut tx = WriteTx::begin(pool, writer, Lookups::default()).await?;
    let row: Option<RetryRow> =
        sqlx::query_as("SELECT * FROM pipeline.parked WHERE source = $1 AND message_id = $2")
            .bind(&key.source)
            .bind(key.id)
            .fetch_optional(tx.connection())
            .await?;
    Ok((tx, row.ok_or(ActError::Gone)?))
}

async fn note(
    tx: &mut WriteTx,
    action: &'static str,
    row: &RetryRow,
    by: By<'_>,
    mut detail: Value,
) -> Result<i64, sqlx::Error> {
    let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
    detail["type"] = header["type"].clone();
    detail["source"] = row.source.as_str().into();
    detail["subject"] = row.subject.as_deref().into();
    detail["state"] = row.state.as_str().into();
    let at = tx.now();
    let act = Act {
        actor: by.actor,
        action,
        target: row.message_id.to_string(),
        reason: by.reason,
        detail,
    };
    audit::record(tx.connection(), at, &act).await
}

/// Keeps the bytes that an act takes away. What no service signed may have a person's data open in it, and could not be erased there: only that it was
/// is kept.
async fn keep(
    tx: &mut WriteTx,
    audit: i64,
    row: &RetryRow,
    sender: &Sender,
) -> Result<(), sqlx::Error> {
    let (header, body) = match sender {
        Sender::Here | Sender::Service(_) => (row.header.as_str(), row.body.as_slice()),
        Sender::Producer(_) | Sender::Unknown { .. } => ("{}", &[][..]),
    };
    sqlx::query(
        "INSERT INTO pipeline.parked_before (audit, source, message_id, schema_id, header, body)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(audit)
    .bind(&row.source)
    .bind(row.message_id)
    .bind(row.schema_id)
    .bind(header)
    .bind(body)
    .execute(tx.connection())
    .await?;
    Ok(())
}
