//! `pipeline.epoch`: the histories of one log. A restored database's log goes on under a raised epoch.

use std::collections::BTreeMap;

use schemas::Topic;
use sqlx::{FromRow, PgConnection, PgPool};

use crate::log::{self, LogRow};
use crate::schema_ids::SchemaIdError;
use crate::tx::{self, TxError, WriteTx, Writer};

/// The positions of one epoch: behind `after`, up to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub after: i64,
    /// `i64::MAX` for the one that is being written.
    pub to: i64,
}

/// One history of the log.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize)]
pub struct Epoch {
    /// Its number.
    pub epoch: i64,
    /// It began behind this position.
    pub after_position: i64,
    /// When, in microseconds; 0 for the first.
    pub raised_at: i64,
}

/// All epochs of a log, oldest first.
pub async fn all(pool: &PgPool) -> Result<Vec<Epoch>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM pipeline.epoch ORDER BY epoch")
        .fetch_all(pool)
        .await
}

pub(crate) async fn range(pool: &PgPool, epoch: i64) -> Result<Range, sqlx::Error> {
    let (after, to): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT (SELECT after_position FROM pipeline.epoch WHERE epoch = $1),
                (SELECT min(after_position) FROM pipeline.epoch WHERE epoch > $1)",
    )
    .bind(epoch)
    .fetch_one(pool)
    .await?;
    Ok(Range {
        after: after.unwrap_or(0),
        to: to.unwrap_or(i64::MAX),
    })
}

/// Which epoch a position belongs to.
pub(crate) fn of(epochs: &[Epoch], position: i64) -> i64 {
    let begun = epochs.iter().rev().find(|it| it.after_position < position);
    begun.map_or(1, |it| it.epoch)
}

/// The first position of a stream that is not what a follower handled at its place: it stands at or below the follower's
/// watermark, and is later than the message that was handled there.
pub async fn fork(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    epoch: i64,
    watermark: tx::Watermark,
) -> Result<Option<i64>, sqlx::Error> {
    let Some(time) = watermark.time else {
        return Ok(None);
    };
    // The follower may have handled more than there is here.
    let last = log::last_sequence(pool, topic, partition).await?;
    let sequence = watermark.sequence.min(last);
    let mut at = log::position_of_sequence(pool, topic, partition, epoch, sequence).await?;
    let mut forked = None;
    loop {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT position, time FROM pipeline.message_log
              WHERE position <= $1 AND topic = $2 AND partition = $3 ORDER BY position DESC LIMIT 500",
        )
        .bind(at)
        .bind(topic.name())
        .bind(partition)
        .fetch_all(pool)
        .await?;
        for (position, stated) in &rows {
            if *stated <= time {
                return Ok(forked);
            }
            forked = Some(*position);
        }
        match rows.last() {
            Some((position, _)) => at = position - 1,
            None => return Ok(forked),
        }
    }
}

/// Why an epoch cannot be raised.
#[derive(Debug, thiserror::Error)]
pub enum RaiseError {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A writer schema is unusable.
    #[error(transparent)]
    Schema(#[from] SchemaIdError),
    /// A message cannot be stated anew.
    #[error(transparent)]
    Append(#[from] TxError),
    /// The state of things forbids it.
    #[error("{0}")]
    Refused(String),
}

/// What raising an epoch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Raised {
    /// The new epoch.
    pub epoch: i64,
    /// It begins behind this position.
    pub after_position: i64,
    /// Messages that were in the log already and go out under it.
    pub restated: u64,
}

/// Raises the log's epoch behind a position: what stands after it was appended since the restore, under sequences that
/// followers have seen with other messages, and gets a place in the new epoch. The relay begins again there.
pub async fn raise(
    tx: &mut WriteTx,
    pool: &PgPool,
    writer: &Writer,
    after_position: i64,
) -> Result<Raised, RaiseError> {
    let (epoch, head, now) = (tx.epoch() + 1, tx.position(), tx.now());
    let archived: i64 =
        sqlx::query_scalar("SELECT coalesce(max(to_position), 0) FROM pipeline.archive")
            .fetch_one(&mut *tx.connection())
            .await?;
    if after_position > head || archived > after_position {
        return Err(RaiseError::Refused(format!(
            "an epoch cannot begin behind position {after_position}: the log ends at {head} and is archived up to {archived}"
        )));
    }
    let mut streams = BTreeMap::new();
    let (mut at, mut restated) = (after_position, 0);
    while at < head {
        let rows: Vec<LogRow> = sqlx::query_as(
            "SELECT * FROM pipeline.message_log WHERE position > $1 ORDER BY position LIMIT 500",
        )
        .bind(at)
        .fetch_all(&mut *tx.connection())
        .await?;
        let Some(last) = rows.last() else { break };
        at = last.position;
        for row in rows {
            let (Some(topic), Some(partition)) = (row.topic.clone(), row.partition) else {
                continue;
            };
            let sequence = streams.entry((topic, partition)).or_insert(0_i64);
            *sequence += 1;
            restate(tx.connection(), pool, writer, &row, epoch, *sequence).await?;
            restated += 1;
        }
    }
    let connection = tx.connection();
    sqlx::query("DELETE FROM pipeline.stream_head")
        .execute(&mut *connection)
        .await?;
    for ((topic, partition), sequence) in streams {
        sqlx::query(
            "INSERT INTO pipeline.stream_head (topic, partition, sequence) VALUES ($1, $2, $3)",
        )
        .bind(topic)
        .bind(partition)
        .bind(sequence)
        .execute(&mut *connection)
        .await?;
    }
    begin_behind(connection, epoch, after_position, now.0).await?;
    Ok(Raised {
        epoch,
        after_position,
        restated,
    })
}

async fn begin_behind(
    connection: &mut PgConnection,
    epoch: i64,
    after_position: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO pipeline.epoch (epoch, after_position, raised_at) VALUES ($1, $2, $3)",
    )
    .bind(epoch)
    .bind(after_position)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE pipeline.log_head SET epoch = $1")
        .bind(epoch)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM pipeline.stream_mark WHERE position > $1")
        .bind(after_position)
        .execute(&mut *connection)
        .await?;
    // A relay that runs has read the old epoch: its cursor is no longer its own.
    sqlx::query("UPDATE pipeline.relay_cursor SET position = least(position, $1), relay_epoch = relay_epoch + 1")
        .bind(after_position)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives a message of the log another place in its stream.
async fn restate(
    connection: &mut PgConnection,
    pool: &PgPool,
    writer: &Writer,
    row: &LogRow,
    epoch: i64,
    sequence: i64,
) -> Result<(), RaiseError> {
    let schema = writer.schema_ids.get(pool, row.schema_id).await?;
    let mut message = schemas::decode(&schema, &row.body).map_err(|error| {
        RaiseError::Refused(format!("position {} cannot be read: {error}", row.position))
    })?;
    (message.header.epoch, message.header.sequence) = (Some(epoch), Some(sequence));
    let body = tx::encode(schema.topic(), &message.header, &message.body)?;
    sqlx::query(
        "UPDATE pipeline.message_log SET sequence = $2, schema_id = $3, body = $4 WHERE position = $1",
    )
    .bind(row.position)
    .bind(sequence)
    .bind(writer.schema_ids.current(schema.topic()))
    .bind(body)
    .execute(connection)
    .await?;
    Ok(())
}
