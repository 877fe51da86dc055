//! Fencing after a restore: a restored log goes on under a raised epoch, and its followers accept that one by one. See
//! `docs/runbooks/restore.md`.

use std::collections::BTreeMap;

use messaging::archive::ArchiveError;
use messaging::halted::Halted;
use messaging::log::{self, LogRow};
use messaging::{Lock, SchemaIdError, TxError, Watermark, WriteTx, Writer, encode, epoch};
use schemas::Topic;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::archive;

/// Positions in which one statement looks back for a stream's messages.
const LOOKED_BACK: i64 = 4_096;

/// The first position of a stream that is not what a follower handled at its place: it stands at or below the follower's
/// watermark, and is later than the message that was handled there.
pub async fn fork(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    epoch: i64,
    watermark: Watermark,
) -> Result<Option<i64>, sqlx::Error> {
    let Some(time) = watermark.time else {
        return Ok(None);
    };
    let epochs = epoch::all(pool).await?;
    let began = epochs.iter().find(|it| it.epoch == epoch);
    let began = began.map_or(0, |it| it.after_position);
    // The follower may have handled more than there is here.
    let last = log::last_sequence(pool, topic, partition).await?;
    let mut sequence = watermark.sequence.min(last);
    let mut forked = None;
    while sequence > 0 {
        // Its messages may stand far apart: each stretch ends at one.
        let at = log::position_of_sequence(pool, topic, partition, epoch, sequence).await?;
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT position, sequence, time FROM pipeline.message_log
              WHERE position > $1 AND position <= $2 AND topic = $3 AND partition = $4
              ORDER BY position DESC LIMIT 500",
        )
        // What stands before is of another epoch, with sequences of its own.
        .bind(began.max(at - LOOKED_BACK))
        .bind(at)
        .bind(topic.name())
        .bind(partition)
        .fetch_all(pool)
        .await?;
        for (position, _, stated) in &rows {
            if *stated <= time {
                return Ok(forked);
            }
            forked = Some(*position);
        }
        let before = rows.last().map_or(0, |(_, first, _)| first - 1);
        if before >= sequence {
            break;
        }
        sequence = before;
    }
    Ok(forked)
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
    /// From which position to which the archive is to be written again.
    pub taken_back: Option<(i64, i64)>,
}

/// Behind which position the next epoch begins: the one that an operator names, or behind the first message that a follower knows
/// differently where that is earlier; else behind the end of the log.
pub async fn begins_behind(
    tx: &mut WriteTx,
    forked_behind: Option<i64>,
    named: Option<i64>,
    head: i64,
) -> Result<i64, RaiseError> {
    let Some(named) = named else {
        return Ok(forked_behind.unwrap_or(head));
    };
    let began: i64 =
        sqlx::query_scalar("SELECT coalesce(max(after_position), 0) FROM pipeline.epoch")
            .fetch_one(&mut *tx.connection())
            .await?;
    if named > head || named < began {
        return Err(RaiseError::Refused(format!(
            "an epoch cannot begin behind position {named}: the log ends at {head}, and epoch {} began behind {began}",
            tx.epoch()
        )));
    }
    Ok(forked_behind.map_or(named, |forked| forked.min(named)))
}

/// Raises the log's epoch behind a position: what stands after it was appended since the restore, under sequences that
/// followers have seen with other messages, and gets a place in the new epoch. The relay begins again there. What of it is
/// archived already is taken back, to be written anew; what left the table cannot be stated anew.
pub async fn raise(
    tx: &mut WriteTx,
    pool: &PgPool,
    writer: &Writer,
    after_position: i64,
) -> Result<Raised, RaiseError> {
    // The process may have lived through the restore: what it knows of the table of schemas need not be there.
    writer.schema_ids.reopen(pool).await?;
    let (epoch, head, now) = (tx.epoch() + 1, tx.position(), tx.now());
    let (archived, dropped_to): (i64, i64) = sqlx::query_as(
        "SELECT coalesce((SELECT max(to_position) FROM pipeline.archive), 0), dropped_to FROM pipeline.log_head",
    )
    .fetch_one(&mut *tx.connection())
    .await?;
    if after_position > head || dropped_to > after_position {
        return Err(RaiseError::Refused(format!(
            "an epoch cannot begin behind position {after_position}: the log ends at {head}, and its table begins behind {dropped_to}"
        )));
    }
    let mut taken_back = None;
    if archived > after_position {
        let again = archive::write_again(tx, after_position + 1).await;
        taken_back = Some(again.map_err(|error| match error {
            ArchiveError::Sql(error) => RaiseError::Sql(error),
            other => RaiseError::Refused(other.to_string()),
        })?);
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
        let mut anew = Restated::default();
        for row in rows {
            let (Some(topic), Some(partition)) = (row.topic.clone(), row.partition) else {
                continue;
            };
            let sequence = streams.entry((topic, partition)).or_insert(0_i64);
            *sequence += 1;
            anew.add(pool, writer, &row, epoch, *sequence).await?;
            restated += 1;
        }
        anew.write(tx.connection()).await?;
    }
    let ended = epoch - 1;
    let connection = tx.connection();
    mark_end(connection, writer, (ended, after_position), &streams).await?;
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
        taken_back,
    })
}

/// Notes where each stream stood when an epoch ended, without what is stated again: what looks for a place in it need not
/// read all of the epoch to see that nothing of a stream is there.
async fn mark_end(
    connection: &mut PgConnection,
    writer: &Writer,
    (epoch, after_position): (i64, i64),
    restated: &BTreeMap<(String, i32), i64>,
) -> Result<(), sqlx::Error> {
    let heads: Vec<(String, i32, i64)> =
        sqlx::query_as("SELECT topic, partition, sequence FROM pipeline.stream_head")
            .fetch_all(&mut *connection)
            .await?;
    let partitions = i32::try_from(writer.partitions).unwrap_or(i32::MAX);
    let published = writer.service.published_topics().into_iter();
    let mut ends: BTreeMap<(String, i32), i64> = published
        .flat_map(|topic| (0..partitions).map(move |it| ((topic.name().to_owned(), it), 0)))
        .collect();
    ends.extend(heads.into_iter().map(|(topic, partition, sequence)| {
        let stream = (topic, partition);
        let again = restated.get(&stream).copied().unwrap_or(0);
        (stream, sequence - again)
    }));
    for ((topic, partition), sequence) in ends {
        sqlx::query(
            "INSERT INTO pipeline.stream_mark (topic, partition, epoch, sequence, position)
             SELECT $1, $2, $3, $4, $5 FROM pipeline.epoch WHERE epoch = $3 AND after_position <= $5
             ON CONFLICT DO NOTHING",
        )
        .bind(topic)
        .bind(partition)
        .bind(epoch)
        .bind(sequence)
        .bind(after_position)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
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

/// Messages of the log with other places in their streams.
#[derive(Debug, Default)]
struct Restated {
    positions: Vec<i64>,
    sequences: Vec<i64>,
    schema_ids: Vec<i32>,
    bodies: Vec<Vec<u8>>,
}

impl Restated {
    async fn add(
        &mut self,
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
        let body = encode(schema.topic(), &message.header, &message.body)?;
        self.positions.push(row.position);
        self.sequences.push(sequence);
        let schema_id = writer.schema_ids.current(schema.topic());
        self.schema_ids.push(schema_id);
        self.bodies.push(body);
        Ok(())
    }

    async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE pipeline.message_log m SET sequence = r.sequence, schema_id = r.schema_id, body = r.body
               FROM UNNEST($1::bigint[], $2::bigint[], $3::int[], $4::bytea[]) AS r(position, sequence, schema_id, body)
              WHERE m.position = r.position AND m.position BETWEEN $5 AND $6",
        )
        .bind(&self.positions)
        .bind(self.sequences)
        .bind(self.schema_ids)
        .bind(self.bodies)
        .bind(self.positions.first())
        .bind(self.positions.last())
        .execute(connection)
        .await?;
        Ok(())
    }
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
/// What this log did so far is noted, so that nothing of it is done once more when the source decides it again, as far as
/// [`note_log`] has not done that before without the lock.
pub async fn accept(
    tx: &mut WriteTx,
    source: &str,
    epoch: i64,
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
        let (noted, dropped_to, _) = noted_to(connection).await?;
        if noted < dropped_to {
            let reason = format!(
                "what was handled is noted up to position {noted}, and the log's table begins behind {dropped_to}: try again"
            );
            return Err(NotAccepted::Refused(reason));
        }
        while note_stretch(connection).await? > 0 {}
        sqlx::query("INSERT INTO pipeline.handled_before SELECT message_id FROM pipeline.parked ON CONFLICT DO NOTHING")
            .execute(&mut *connection)
            .await?;
    }
    let halted =
        sqlx::query_as("DELETE FROM pipeline.stopped_stream WHERE source = $1 RETURNING *")
            .bind(source)
            .fetch_all(connection)
            .await?;
    Ok(halted)
}

/// Positions of the log that are read at once.
const STRETCH: i64 = 50_000;
/// The same of its files, of which a block comes at once.
const BLOCK: i64 = 500;

/// Notes what caused something in this log, a stretch at a time, until little is left for the transaction that accepts. Given up, it goes on
/// from there. What left the table is read from its files.
pub async fn note_log(pool: &PgPool) -> Result<(), sqlx::Error> {
    while note_dropped(pool).await? {}
    let mut connection = pool.acquire().await?;
    while note_stretch(&mut connection).await? == STRETCH {}
    Ok(())
}

/// Up to where it is noted, up to where the table has nothing, and where the log ends.
async fn noted_to(connection: &mut PgConnection) -> Result<(i64, i64, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT s.handled_noted_to, h.dropped_to, h.position FROM pipeline.service_state s, pipeline.log_head h",
    )
    .fetch_one(connection)
    .await
}

/// Notes what comes next of what left the table. Whether there was any.
async fn note_dropped(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let (after, dropped_to, _) = noted_to(&mut *pool.acquire().await?).await?;
    if after >= dropped_to {
        return Ok(false);
    }
    let rows = log::all_after(pool, after, BLOCK).await?;
    let Some(last) = rows.last() else {
        return Ok(false);
    };
    let causes: Vec<Uuid> = rows.iter().filter_map(|row| row.causation_id).collect();
    sqlx::query(
        "WITH noted AS (
           INSERT INTO pipeline.handled_before SELECT * FROM UNNEST($1::uuid[]) ON CONFLICT DO NOTHING
         )
         UPDATE pipeline.service_state SET handled_noted_to = $2 WHERE handled_noted_to < $2",
    )
    .bind(causes)
    .bind(last.position)
    .execute(pool)
    .await?;
    Ok(true)
}

/// How many positions it noted of the table: none where they were dropped meanwhile.
async fn note_stretch(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let (after, _, head) = noted_to(connection).await?;
    let to = head.min(after + STRETCH);
    let done = sqlx::query(
        "WITH noted AS (
           INSERT INTO pipeline.handled_before
           SELECT causation_id FROM pipeline.message_log WHERE position > $1 AND position <= $2 AND causation_id IS NOT NULL
           ON CONFLICT DO NOTHING
         )
         UPDATE pipeline.service_state SET handled_noted_to = $2
           FROM pipeline.log_head WHERE handled_noted_to < $2 AND dropped_to <= $1",
    )
    .bind(after)
    .bind(to)
    .execute(connection)
    .await?;
    Ok(if done.rows_affected() > 0 {
        to - after
    } else {
        0
    })
}
