//! `pipeline.stopped_stream`: streams whose source's log has another history than the one that was followed.

use sqlx::{FromRow, PgConnection, PgPool};
use types::Micros;

use crate::inbound::StreamId;
use crate::superseded;
use crate::tx::{Lock, WriteTx};

/// Why a stream is halted: noted under the writer lock.
#[derive(Debug, Clone)]
pub(crate) struct HaltedStream {
    pub came: StreamId,
    pub sequence: i64,
    pub known_epoch: i64,
    pub reason: String,
}

/// A stream that waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize)]
pub struct Halted {
    /// The emitting service.
    pub source: String,
    /// The topic.
    pub topic: String,
    /// The topic's partition.
    pub partition: i32,
    /// The epoch that was followed.
    pub known_epoch: i64,
    /// The epoch of the message that cannot be taken.
    pub came_epoch: i64,
    /// That message's place in its stream.
    pub sequence: i64,
    /// What is wrong, and what to do.
    pub reason: String,
    /// When it was seen last, in microseconds.
    pub at: i64,
}

pub(crate) async fn note(
    connection: &mut PgConnection,
    halts: &[HaltedStream],
    now: Micros,
) -> Result<(), sqlx::Error> {
    for stream in halts {
        sqlx::query(
            "INSERT INTO pipeline.stopped_stream (source, topic, partition, known_epoch, came_epoch, sequence, reason, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (source, topic, partition) DO UPDATE SET known_epoch = excluded.known_epoch,
                came_epoch = excluded.came_epoch, sequence = excluded.sequence, reason = excluded.reason, at = excluded.at",
        )
        .bind(&stream.came.source)
        .bind(stream.came.topic.name())
        .bind(stream.came.partition)
        .bind(stream.known_epoch)
        .bind(stream.came.epoch)
        .bind(stream.sequence)
        .bind(&stream.reason)
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The streams that wait for an operator.
pub async fn all(pool: &PgPool) -> Result<Vec<Halted>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM pipeline.stopped_stream ORDER BY source, topic, partition")
        .fetch_all(pool)
        .await
}

/// Why an epoch cannot be accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// It is not the source's next.
    #[error("{0}")]
    Refused(String),
}

/// Accepts a source's raised epoch: its halted streams, and those that will come to the same place, go on with it. Returns
/// the streams that were halted. `epoch` has to be the one that the source's log has: when that is the one that is
/// followed, its streams are tried once more, and stop again unless they are mended.
///
/// What this log did so far is noted, so that nothing of it is done once more when the source decides it again: behind
/// `noted`, up to where that was done before without the lock.
pub async fn accept(
    tx: &mut WriteTx,
    source: &str,
    epoch: i64,
    noted: i64,
) -> Result<Vec<Halted>, NotAccepted> {
    let lock = tx.lock();
    let connection = tx.connection();
    let known: Option<i64> =
        sqlx::query_scalar("SELECT max(epoch) FROM pipeline.watermark WHERE source = $1")
            .bind(source)
            .fetch_one(&mut *connection)
            .await?;
    if known.is_none_or(|known| epoch < known) {
        let known = known.map_or("nothing of it".to_owned(), |known| format!("epoch {known}"));
        return Err(NotAccepted::Refused(format!(
            "{known} is followed here, and epoch {epoch} is none of its successors"
        )));
    }
    sqlx::query(
        "INSERT INTO pipeline.accepted_epoch (source, epoch) VALUES ($1, $2)
         ON CONFLICT (source) DO UPDATE SET epoch = excluded.epoch",
    )
    .bind(source)
    .bind(epoch)
    .execute(&mut *connection)
    .await?;
    if lock == Lock::Log {
        superseded::note(connection, noted).await?;
    }
    let halted =
        sqlx::query_as("DELETE FROM pipeline.stopped_stream WHERE source = $1 RETURNING *")
            .bind(source)
            .fetch_all(connection)
            .await?;
    Ok(halted)
}
