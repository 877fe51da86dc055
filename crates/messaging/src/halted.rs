//! `pipeline.stopped_stream`: streams whose source's log has another history than the one that was followed.

use sqlx::{FromRow, PgConnection, PgPool};
use types::Micros;

use crate::stream::StreamId;

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
    /// When it was noted, in microseconds.
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
