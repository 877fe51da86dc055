//! `pipeline.message_log`: outbox and event store in one.

use std::collections::HashMap;

use schemas::{Header, Topic};
use sqlx::PgConnection;
use types::Micros;

mod place;
mod read;
pub(crate) mod row;
pub(crate) mod tail;

use crate::inbox::Mark;
use crate::partition::{self, Readers};
use crate::stream::{StreamId, Watermark};

pub(crate) use place::nothing_to;
pub use place::{behind, ends, passed, position_of_sequence};
pub(crate) use read::stream_window;
pub use read::{all_after, head, last_sequence, next_rows, stream_after};
pub use row::LogRow;
pub use tail::Tail;

/// How far apart, in positions, the log notes where each stream stood.
const MARK_EVERY: i64 = 4_096;
/// The events of one command stand together, and are no more than these.
pub const OF_ONE_COMMAND: i64 = 16;

/// A row to append.
#[derive(Debug)]
pub(crate) struct NewRow {
    pub position: i64,
    pub topic: Option<Topic>,
    pub partition: Option<i32>,
    pub schema_id: i32,
    pub header: Header,
    pub body: Vec<u8>,
}

/// Where the heads stand after a transaction.
pub(crate) struct Heads<'a> {
    pub position: i64,
    pub last_time: Micros,
    pub streams: &'a HashMap<(Topic, i32), i64>,
    pub watermarks: &'a HashMap<StreamId, Watermark>,
}

const WRITE: &str = r"
WITH log AS (
    INSERT INTO pipeline.message_log (position, id, type, topic, partition, sequence, key, subject, time,
                                      correlation_id, causation_id, outcome_of, schema_id, body)
    SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::text[], $8::text[],
                         $9::bigint[], $10::uuid[], $11::uuid[], $12::uuid[], $13::int[], $14::bytea[])
), commands AS (
    INSERT INTO pipeline.inbox (id, type, source, subject, actor, request_hash, received_at, state, code, outcome_position, caller)
    SELECT * FROM UNNEST($15::uuid[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bytea[], $21::bigint[],
                         $22::text[], $23::text[], $24::bigint[], $36::uuid[])
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, code = excluded.code, outcome_position = excluded.outcome_position
), streams AS (
    INSERT INTO pipeline.stream_head (topic, partition, sequence)
    SELECT * FROM UNNEST($25::text[], $26::int[], $27::bigint[])
    ON CONFLICT (topic, partition) DO UPDATE SET sequence = excluded.sequence
), watermarks AS (
    INSERT INTO pipeline.watermark (source, epoch, topic, partition, sequence, time)
    SELECT * FROM UNNEST($28::text[], $29::bigint[], $30::text[], $31::int[], $32::bigint[], $35::bigint[])
    ON CONFLICT (source, epoch, topic, partition) DO UPDATE SET sequence = excluded.sequence, time = excluded.time
)
UPDATE pipeline.log_head SET position = $33, last_time = $34 RETURNING pg_current_xact_id()::xid::text::bigint";

/// Appends rows, marks commands and moves heads: one statement. Returns the transaction's id, as `xmin` has it.
pub(crate) async fn write(
    connection: &mut PgConnection,
    heads: &Heads<'_>,
    rows: &[NewRow],
    marks: &[Mark],
) -> Result<i64, sqlx::Error> {
    fn each<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    let streams: Vec<_> = heads.streams.iter().collect();
    let watermarks: Vec<_> = heads.watermarks.iter().collect();
    sqlx::query_scalar(WRITE)
        .bind(each(rows, |r| r.position))
        .bind(each(rows, |r| r.header.id))
        .bind(each(rows, |r| r.header.kind.as_str()))
        .bind(each(rows, |r| r.topic.map(Topic::name)))
        .bind(each(rows, |r| r.partition))
        .bind(each(rows, |r| r.header.sequence))
        .bind(each(rows, |r| r.header.key.as_str()))
        .bind(each(rows, |r| r.header.subject.as_str()))
        .bind(each(rows, |r| r.header.time.0))
        .bind(each(rows, |r| r.header.correlation_id))
        .bind(each(rows, |r| r.header.causation_id))
        .bind(each(rows, |r| r.header.outcome_of))
        .bind(each(rows, |r| r.schema_id))
        .bind(each(rows, |r| r.body.as_slice()))
        .bind(each(marks, |m| m.id))
        .bind(each(marks, |m| m.kind.as_str()))
        .bind(each(marks, |m| m.source.as_str()))
        .bind(each(marks, |m| m.subject.as_str()))
        .bind(each(marks, |m| m.actor.as_deref()))
        .bind(each(marks, |m| m.request_hash.as_deref()))
        .bind(each(marks, |m| m.received_at))
        .bind(each(marks, |m| m.state.name()))
        .bind(each(marks, |m| m.code.as_deref()))
        .bind(each(marks, |m| m.outcome_position))
        .bind(each(&streams, |((topic, _), _)| topic.name()))
        .bind(each(&streams, |((_, partition), _)| *partition))
        .bind(each(&streams, |(_, sequence)| **sequence))
        .bind(each(&watermarks, |(stream, _)| stream.source.as_str()))
        .bind(each(&watermarks, |(stream, _)| stream.epoch))
        .bind(each(&watermarks, |(stream, _)| stream.topic.name()))
        .bind(each(&watermarks, |(stream, _)| stream.partition))
        .bind(each(&watermarks, |(_, at)| at.sequence))
        .bind(heads.position)
        .bind(heads.last_time.0)
        .bind(each(&watermarks, |(_, at)| at.time))
        .bind(each(marks, |m| m.caller))
        .fetch_one(connection)
        .await
}

/// Moves watermarks only.
pub(crate) async fn write_watermarks(
    connection: &mut PgConnection,
    heads: &Heads<'_>,
) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = heads.watermarks.iter().collect();
    crate::insert_rows!(connection, rows => "pipeline.watermark" {
        source: text = |(stream, _)| stream.source.as_str(),
        epoch: bigint = |(stream, _)| stream.epoch,
        topic: text = |(stream, _)| stream.topic.name(),
        partition: int = |(stream, _)| stream.partition,
        sequence: bigint = |(_, at)| at.sequence,
        time: bigint = |(_, at)| at.time,
    } on (source, epoch, topic, partition) set (sequence, time))
    .await
}

/// Makes the table's next partitions when the head comes within half of one of its end (and at the first append).
pub(crate) async fn ensure_partition(
    connection: &mut PgConnection,
    head: i64,
    appended: usize,
    positions: i64,
) -> Result<(), sqlx::Error> {
    let appended = i64::try_from(appended).unwrap_or(i64::MAX);
    let before = head - appended;
    let half = (positions / 2).max(1);
    if appended == 0 || (before > 0 && before / half == head / half) {
        return Ok(());
    }
    // A batch may fill a small partition and more.
    for index in before / positions..=head / positions + 1 {
        let from = index * positions;
        let name = format!("pipeline.message_log_{index}");
        let part = from..from + positions;
        let readers = if from <= head {
            Readers::Wait
        } else {
            Readers::GoOn
        };
        partition::make(connection, "pipeline.message_log", &name, part, readers).await?;
    }
    Ok(())
}

/// Notes where each stream stands, every few thousand positions: what finds a sequence then reads no more than that.
pub(crate) async fn mark_streams(
    connection: &mut PgConnection,
    epoch: i64,
    streams: &HashMap<(Topic, i32), i64>,
    head: i64,
    appended: usize,
) -> Result<(), sqlx::Error> {
    let before = head - i64::try_from(appended).unwrap_or(i64::MAX);
    if before / MARK_EVERY == head / MARK_EVERY {
        return Ok(());
    }
    for ((topic, partition), sequence) in streams {
        sqlx::query(
            "INSERT INTO pipeline.stream_mark (topic, partition, epoch, sequence, position) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(topic.name())
        .bind(partition)
        .bind(epoch)
        .bind(sequence)
        .bind(head)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
