//! The events of one stream behind a place in it, decoded: for the live feed.

use schemas::Topic;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{MAX_BYTES, RelatedMessage, decoded};
use crate::epoch;
use crate::log::{position_of_sequence, stream_after};
use crate::schema_ids::{SchemaIdError, SchemaIds};

/// Events of one answer at most.
pub const MAX_EVENTS: i64 = 200;

/// Which part of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamQuestion {
    /// Of the service that is asked.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// In which epoch of the log the reader was: what came after that epoch was cut off is read, whatever its sequence.
    pub epoch: i64,
    /// The last that it has of that epoch.
    pub sequence: i64,
    /// That one's position, where it is known: without it, it is looked for.
    pub position: Option<i64>,
}

/// The next events of a stream of this service's log behind a place, oldest first; none at its end.
///
/// # Errors
///
/// The database's, or that of a schema that is not there.
pub async fn read(
    pool: &PgPool,
    schema_ids: &SchemaIds,
    topic: Topic,
    question: &StreamQuestion,
) -> Result<Vec<RelatedMessage>, SchemaIdError> {
    let (partition, epoch) = (question.partition, question.epoch);
    let after = match question.position {
        Some(position) => position.min(epoch::range(pool, epoch).await?.to),
        None => position_of_sequence(pool, topic, partition, epoch, question.sequence).await?,
    };
    let mut rows = stream_after(pool, topic, partition, after, MAX_EVENTS).await?;
    let mut bytes = 0;
    let fitting = rows.iter().take_while(|row| {
        bytes += row.body.len();
        bytes <= MAX_BYTES
    });
    let fitting = fitting.count().max(1);
    rows.truncate(fitting);
    decoded(pool, schema_ids, rows).await
}
