//! Where a message of a stream stands in the log: between the marks beside it, which say how far each stream was. A stream may
//! have nothing for millions of positions, so that none of these statements reads more than some thousand of them.

use schemas::Topic;
use sqlx::PgPool;

use super::read::{head, last_sequence, of_stream};
use crate::{archive, epoch};

/// Positions that one statement reads at most: a message is seldom further from a mark.
const STRETCH: i64 = super::MARK_EVERY;

const LAST_WITHIN: &str =
    "SELECT h.dropped_to, l.position, l.sequence
       FROM pipeline.log_head h
       LEFT JOIN (SELECT position, sequence FROM pipeline.message_log
                   WHERE position > $3 AND position <= $4 AND topic = $1 AND partition = $2 AND sequence <= $5
                   ORDER BY position DESC LIMIT 1) l ON true";

/// Up to where a stream has nothing behind a position, as its marks say: the position itself where they do not.
pub(crate) async fn nothing_to(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    after: i64,
) -> Result<i64, sqlx::Error> {
    let (epoch, sequence): (i64, Option<i64>) = sqlx::query_as(
        "SELECT e.epoch, (SELECT m.sequence FROM pipeline.stream_mark m
                           WHERE m.topic = $1 AND m.partition = $2 AND m.epoch = e.epoch AND m.position <= $3
                           ORDER BY m.position DESC LIMIT 1)
           FROM pipeline.epoch e WHERE e.after_position <= $3 ORDER BY e.epoch DESC LIMIT 1",
    )
    .bind(topic.name())
    .bind(partition)
    .bind(after)
    .fetch_one(pool)
    .await?;
    let passed = passed(pool, topic, partition, epoch, sequence.unwrap_or(0)).await?;
    Ok(passed.max(after))
}

/// Up to where whoever has handled a stream to a sequence of an epoch has passed the log: to before the stream's next
/// message, or to the head where there is none.
pub async fn passed(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    epoch: i64,
    sequence: i64,
) -> Result<i64, sqlx::Error> {
    // Before the message is looked for, so that what is appended meanwhile counts as not passed.
    let head = head(pool).await?;
    let next = next_of(pool, topic, partition, epoch, sequence).await?;
    Ok(next.map_or(head, |next| next - 1))
}

/// With which sequence a stream ended in each epoch of the log, oldest first, and where it stands in the one that is being written. Of the
/// others its marks say so, without what was stated again under the next.
pub async fn ends(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT e.epoch, coalesce(CASE WHEN e.epoch = max(e.epoch) OVER () THEN (
                    SELECT h.sequence FROM pipeline.stream_head h WHERE h.topic = $1 AND h.partition = $2
                ) ELSE (
                    SELECT m.sequence FROM pipeline.stream_mark m
                     WHERE m.topic = $1 AND m.partition = $2 AND m.epoch = e.epoch ORDER BY m.position DESC LIMIT 1
                ) END, 0)
           FROM pipeline.epoch e ORDER BY e.epoch",
    )
    .bind(topic.name())
    .bind(partition)
    .fetch_all(pool)
    .await
}

/// How many messages stand behind a sequence of an epoch, in that epoch and in later ones, of a stream that ended so.
pub fn behind(ends: &[(i64, i64)], epoch: i64, sequence: i64) -> i64 {
    let later = ends.iter().filter(|(of, _)| *of >= epoch);
    let left = later.map(|(of, end)| {
        let handled = if *of == epoch { sequence } else { 0 };
        (end - handled).max(0)
    });
    left.sum()
}

/// Where a stream's first message behind a sequence of an epoch stands, in that epoch or in a later one.
async fn next_of(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    epoch: i64,
    sequence: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let epochs = epoch::all(pool).await?;
    let current = epoch::newest(&epochs);
    for later in epochs.iter().filter(|it| it.epoch >= epoch) {
        let next = if later.epoch == epoch {
            sequence + 1
        } else {
            1
        };
        if later.epoch == current && last_sequence(pool, topic, partition).await? < next {
            continue;
        }
        let (position, found) = last_up_to(pool, topic, partition, later.epoch, next).await?;
        if found == next {
            return Ok(Some(position));
        }
        // Of this one the stream's head says that it is there: what is not found is behind what is.
        if later.epoch == current {
            return Ok(Some(position + 1));
        }
    }
    Ok(None)
}

/// The position of the last message of a stream, within one epoch, whose sequence is not above `sequence`; a position
/// behind which the stream has none of them when it is not found between the marks, such as that behind which the epoch
/// began.
///
/// The marks beside the log say between which positions it stands.
pub async fn position_of_sequence(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    epoch: i64,
    sequence: i64,
) -> Result<i64, sqlx::Error> {
    let (position, _) = last_up_to(pool, topic, partition, epoch, sequence).await?;
    Ok(position)
}

/// The same with the sequence of what is found, or 0. It is looked for backwards from the first mark that has it: of what
/// came into a stream late the marks do not say how late.
async fn last_up_to(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    epoch: i64,
    sequence: i64,
) -> Result<(i64, i64), sqlx::Error> {
    let range = epoch::range(pool, epoch).await?;
    let (current, head): (i64, i64) =
        sqlx::query_as("SELECT epoch, position FROM pipeline.log_head")
            .fetch_one(pool)
            .await?;
    let last = if epoch == current {
        last_sequence(pool, topic, partition).await?
    } else {
        i64::MAX
    };
    let sequence = sequence.min(last);
    if sequence <= 0 {
        return Ok((range.after, 0));
    }
    let (low, high): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT (SELECT max(position) FROM pipeline.stream_mark
                  WHERE topic = $1 AND partition = $2 AND epoch = $3 AND sequence < $4),
                (SELECT min(position) FROM pipeline.stream_mark
                  WHERE topic = $1 AND partition = $2 AND epoch = $3 AND sequence >= $4)",
    )
    .bind(topic.name())
    .bind(partition)
    .bind(epoch)
    .bind(sequence)
    .fetch_one(pool)
    .await?;
    let low = low.unwrap_or(range.after).max(range.after);
    // A stream's sequence never exceeds its place in its epoch.
    let first = low.max(range.after.saturating_add(sequence - 1));
    let mut to = high.unwrap_or(range.to).min(head);
    while to > first {
        let after = first.max(to - STRETCH);
        let found = last_within(pool, topic, partition, (after, to), sequence).await?;
        if let Some(found) = found {
            return Ok(found);
        }
        to = after;
    }
    Ok((low, 0))
}

/// Position and sequence of a stream's last message behind a position and up to another whose sequence is not above this
/// one: in the table, else in files.
async fn last_within(
    pool: &PgPool,
    topic: Topic,
    partition: i32,
    (after, to): (i64, i64),
    sequence: i64,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let (dropped_to, position, found): (i64, Option<i64>, Option<i64>) =
        sqlx::query_as(LAST_WITHIN)
            .bind(topic.name())
            .bind(partition)
            .bind(after)
            .bind(to)
            .bind(sequence)
            .fetch_one(pool)
            .await?;
    let in_table = position.zip(found);
    if in_table.is_some() {
        return Ok(in_table);
    }
    let (mut at, mut in_files) = (after, None);
    let end = to.min(dropped_to);
    while at < end {
        let ours = of_stream(topic, partition);
        let (rows, through) = archive::read_after(pool, at, STRETCH, ours).await?;
        let places = rows.iter().map(|row| (row.position, row.sequence));
        let mut wanted = places.filter_map(|(position, it)| {
            let it = it.filter(|it| position <= end && *it <= sequence)?;
            Some((position, it))
        });
        in_files = wanted.next_back().or(in_files);
        at = through;
    }
    Ok(in_files)
}
