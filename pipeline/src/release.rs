//! Feeds parked messages that are due back into the queue.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::Topic;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::inbound::{Answer, Hint, Inbound, Via, Wire};
use crate::parked::{self, ParkedRow};
use crate::queue::Inlet;
use crate::schema_ids::{SchemaIdError, SchemaIds};
use crate::trust::{Sender, Vouching};

const POLL: Duration = Duration::from_millis(500);
const CHUNK: i64 = 200;

/// Releases until told to stop.
pub async fn release(
    pool: PgPool,
    schema_ids: SchemaIds,
    inlet: Inlet,
    changed: Arc<Notify>,
    stop: CancellationToken,
) {
    let known = schemas::known_names();
    let mut fed_back = false;
    loop {
        if !fed_back {
            fed_back = feed_back(&pool, &known).await;
        }
        let released = tokio::select! {
            () = stop.cancelled() => return,
            released = release_due(&pool, &schema_ids, &inlet, &known) => released,
        };
        match released {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "parked messages cannot be read now"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Makes due what an earlier build kept because it did not know the kind: once, as this build knows no more tomorrow.
async fn feed_back(pool: &PgPool, known: &[&str]) -> bool {
    match parked::feed_back_known(pool, known).await {
        Ok(rows) => {
            if rows > 0 {
                tracing::info!(
                    rows,
                    "messages of kinds that this build knows are handled now"
                );
            }
            true
        }
        Err(error) => {
            tracing::warn!(%error, "kept messages cannot be looked at now");
            false
        }
    }
}

/// Feeds what is due; true when something left the table, so that what was queued behind it may be due too.
async fn release_due(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    inlet: &Inlet,
    known: &[&str],
) -> Result<bool, SchemaIdError> {
    let rows = parked::due(pool, known, CHUNK).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let schema = schema_ids.get(pool, row.schema_id).await?;
        due.extend(to_inbound(row, schema));
    }
    if due.is_empty() {
        return Ok(false);
    }
    let Ok(answers) = inlet.send(due).await else {
        return Ok(false);
    };
    let answers = answers.await.unwrap_or_default();
    Ok(answers
        .iter()
        .any(|answer| !matches!(answer, Answer::Parked)))
}

/// A parked message as it is fed back.
pub(crate) fn to_inbound(row: ParkedRow, schema: Arc<schemas::WriterSchema>) -> Option<Inbound> {
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
    let vouching = Vouching::Road(&sender);
    let mut inbound = Inbound::read(topic, 0, wire, || row.message_id, &hint, vouching);
    inbound.id = row.message_id;
    inbound.source = row.source;
    inbound.via = Via::Parked {
        attempts: row.attempts,
        arrival: row.arrival,
        deadline: row.deadline,
        edition: row.edition,
    };
    inbound.stream = None;
    Some(inbound)
}
