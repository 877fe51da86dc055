//! Reading the log, its archived part and the live table as one.

use schemas::Topic;
use sqlx::postgres::PgRow;
use sqlx::{Decode, PgPool, Postgres, Row, Type};

use super::place::nothing_to;
use super::row::LogRow;
use crate::archive;
use crate::locks::planned_once;

/// A stretch of one stream, with where the log stood when it was read.
#[derive(Debug)]
pub(crate) struct Window {
    /// The log's epoch.
    pub epoch: i64,
    /// The log's head.
    pub head: i64,
    /// Who may move the stream's relay cursor; `None` when it was never relayed.
    pub relay_epoch: Option<i64>,
    /// Everything of the stream up to here is in `rows`.
    pub through: i64,
    /// Oldest first.
    pub rows: Vec<LogRow>,
}

/// Where the log stands, before the row in each line of [`STREAM`] and [`ALL`].
const HEAD_COLUMNS: usize = 4;
/// Positions that one statement reads at most for the rows of one stream: there may be none of it for millions.
const STRETCH: i64 = 16_384;

/// A row's columns, as [`row`] takes them.
macro_rules! row_columns {
    () => {
        "l.position, l.id, l.type, l.topic, l.partition, l.sequence, l.key, l.subject, l.time, l.correlation_id, \
         l.causation_id, l.outcome_of, l.schema_id, l.body"
    };
}

// What is dropped from the table is looked at in the same snapshot as its rows, so that a drop in between leaves no hole.
const STREAM: &str = concat!(
    "SELECT h.epoch, h.position, h.dropped_to,
            (SELECT c.relay_epoch FROM pipeline.relay_cursor c WHERE c.topic = $2 AND c.partition = $3), ",
    row_columns!(),
    " FROM pipeline.log_head h
      LEFT JOIN (SELECT * FROM pipeline.message_log
                  WHERE position > $1 AND position <= $5 AND topic = $2 AND partition = $3
                  ORDER BY position LIMIT $4) l ON h.dropped_to <= $1"
);

const ALL: &str = concat!(
    "SELECT h.epoch, h.position, h.dropped_to, NULL::bigint, ",
    row_columns!(),
    " FROM pipeline.log_head h
      LEFT JOIN (SELECT * FROM pipeline.message_log WHERE position > $1 ORDER BY position LIMIT $2) l ON h.dropped_to <= $1"
);

/// The log's head: the last committed position.
pub async fn head(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT position FROM pipeline.log_head")
        .fetch_one(pool)
        .await
}

/// The last sequence given out for a stream in the log's epoch; 0 before the first.
pub async fn last_sequence(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
) -> Result<i64, sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT sequence FROM pipeline.stream_head WHERE topic = $1 AND partition = $2",
    )
    .bind(topic.name())
    .bind(partition)
    .fetch_optional(pool)
    .await?;
    Ok(last.unwrap_or(0))
}

/// A stretch of one stream after a position: at most `limit` rows, and maybe none although there are more behind
/// `through`.
pub(crate) async fn stream_window(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    after: i64,
    limit: i64,
) -> Result<Window, sqlx::Error> {
    let after = after.max(0);
    let to = after.saturating_add(STRETCH);
    let mut tx = crate::begin(pool, concat!("BEGIN READ ONLY; ", planned_once!())).await?;
    let found = sqlx::query(STREAM)
        .bind(after)
        .bind(topic.name())
        .bind(partition)
        .bind(limit)
        .bind(to)
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    window(pool, found, (after, to), limit, of_stream(topic, partition)).await
}

pub(super) fn of_stream(topic: Topic, partition: i32) -> impl Fn(&LogRow) -> bool + Send + 'static {
    move |row| row.topic.as_deref() == Some(topic.name()) && row.partition == Some(partition)
}

async fn window(
    pool: &PgPool,
    found: Vec<PgRow>,
    (after, to): (i64, i64),
    limit: i64,
    ours: impl Fn(&LogRow) -> bool + Send + 'static,
) -> Result<Window, sqlx::Error> {
    let first = found.first().ok_or(sqlx::Error::RowNotFound)?;
    let (epoch, head): (i64, i64) = (first.try_get(0)?, first.try_get(1)?);
    let dropped_to: i64 = first.try_get(2)?;
    let relay_epoch = first.try_get(3)?;
    if after < dropped_to {
        let (rows, through) = archive::read_after(pool, after, limit, ours).await?;
        return Ok(Window {
            epoch,
            head,
            relay_epoch,
            through,
            rows,
        });
    }
    let mut rows = Vec::with_capacity(found.len());
    for found in &found {
        rows.extend(row(found)?);
    }
    rows.sort_by_key(|row| row.position);
    let through = match rows.last() {
        Some(last) if i64::try_from(rows.len()).is_ok_and(|count| count >= limit) => last.position,
        _ => head.min(to),
    };
    Ok(Window {
        epoch,
        head,
        relay_epoch,
        through,
        rows,
    })
}

/// The row of a line, if it has one. By place: to find each column by its name costs as much as the rest of reading it.
fn row(line: &PgRow) -> Result<Option<LogRow>, sqlx::Error> {
    fn column<'r, T>(line: &'r PgRow, index: usize) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        line.try_get(HEAD_COLUMNS + index)
    }
    let Some(position) = column(line, 0)? else {
        return Ok(None);
    };
    Ok(Some(LogRow {
        position,
        id: column(line, 1)?,
        kind: column(line, 2)?,
        topic: column(line, 3)?,
        partition: column(line, 4)?,
        sequence: column(line, 5)?,
        key: column(line, 6)?,
        subject: column(line, 7)?,
        time: column(line, 8)?,
        correlation_id: column(line, 9)?,
        causation_id: column(line, 10)?,
        outcome_of: column(line, 11)?,
        schema_id: column(line, 12)?,
        body: column(line, 13)?,
    }))
}

/// The rows of one stream after a position, oldest first, wherever they stand. None means that there are none.
pub async fn stream_after(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    after: i64,
    limit: i64,
) -> Result<Vec<LogRow>, sqlx::Error> {
    let mut at = after;
    loop {
        let window = stream_window(pool, topic, partition, at, limit).await?;
        if !window.rows.is_empty() || window.through >= window.head {
            return Ok(window.rows);
        }
        at = nothing_to(pool, topic, partition, window.through).await?;
    }
}

/// The next rows after a position, oldest first, wherever they stand: fewer than `limit` at the end of a file's block or
/// of the files. None means that there are none.
pub async fn all_after(pool: &PgPool, after: i64, limit: i64) -> Result<Vec<LogRow>, sqlx::Error> {
    let after = after.max(0);
    let found = sqlx::query(ALL)
        .bind(after)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    let window = window(pool, found, (after, i64::MAX), limit, |_| true).await?;
    Ok(window.rows)
}

/// So many rows after a position, wherever they stand: fewer only at the log's end.
pub async fn next_rows(pool: &PgPool, after: i64, count: i64) -> Result<Vec<LogRow>, sqlx::Error> {
    let (mut rows, mut at): (Vec<LogRow>, _) = (Vec::new(), after);
    loop {
        let left = count - i64::try_from(rows.len()).unwrap_or(count);
        let more = all_after(pool, at, left).await?;
        let Some(last) = more.last().filter(|_| left > 0) else {
            return Ok(rows);
        };
        at = last.position;
        rows.extend(more);
    }
}
