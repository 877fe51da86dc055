//! Dropping from the table what is archived, verified and passed by everybody.

use messaging::archive::{ArchiveError, Part, folder, off_thread};
use messaging::{WriteTx, is_locked};
use sqlx::PgPool;

use super::sha256_of;

/// Partitions that one act drops at most: so that its files are read back in time.
const MAX_PARTITIONS: i64 = 4;

/// What holds rows in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who or what needs what is behind `position`.
    pub by: String,
    /// Everything up to here is passed.
    pub position: i64,
}

/// Up to where the log may be dropped, and why no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// Everything up to here may go.
    pub position: i64,
    /// Who or what holds it there.
    pub by: String,
}

/// The lowest of what holds the log: what followers have passed, relay cursors, what is kept in any case, and
/// what is not verified yet.
pub async fn droppable(
    pool: &PgPool,
    followers: Vec<Held>,
    relayed_topics: &[&str],
    keep: i64,
) -> Result<Floor, ArchiveError> {
    let mut holders = followers;
    let cursors: Vec<(String, i64)> = sqlx::query_as(
        "SELECT 'the relay of ' || topic || '/' || partition, position FROM pipeline.relay_cursor WHERE topic = ANY($1)",
    )
    .bind(relayed_topics)
    .fetch_all(pool)
    .await?;
    holders.extend(
        cursors
            .into_iter()
            .map(|(by, position)| Held { by, position }),
    );
    let head: i64 = messaging::log::head(pool).await?;
    holders.push(Held {
        by: format!("the newest {keep} positions, which are kept"),
        position: head - keep,
    });
    let unverified: Option<i64> = sqlx::query_scalar(
        "SELECT coalesce((SELECT min(from_position) - 1 FROM pipeline.archive WHERE verified_at IS NULL),
                         (SELECT max(to_position) FROM pipeline.archive), 0)",
    )
    .fetch_one(pool)
    .await?;
    holders.push(Held {
        by: "what is not archived and verified yet".to_owned(),
        position: unverified.unwrap_or(0),
    });
    let lowest = holders.into_iter().min_by_key(|held| held.position);
    lowest.map_or(Err(ArchiveError::NoFolder), |held| {
        Ok(Floor {
            position: held.position.max(0),
            by: held.by,
        })
    })
}

/// Drops the table's partitions that lie wholly at or below a position, a few at once. Returns the position up to which
/// the table has nothing now. Nothing is committed yet.
pub async fn drop_below(tx: &mut WriteTx, floor: i64) -> Result<i64, ArchiveError> {
    let now = tx.now();
    let connection = tx.connection();
    let (positions, dropped_to): (i64, i64) =
        sqlx::query_as("SELECT partition_positions, dropped_to FROM pipeline.log_head")
            .fetch_one(&mut *connection)
            .await?;
    let first = (dropped_to + 1) / positions;
    let behind = ((floor + 1) / positions).min(first + MAX_PARTITIONS);
    let end = behind * positions - 1;
    if end <= dropped_to {
        return Ok(dropped_to);
    }
    let parts: Vec<Part> = sqlx::query_as(
        "SELECT * FROM pipeline.archive
          WHERE dropped_at IS NULL AND verified_at IS NOT NULL AND to_position <= $1 ORDER BY from_position",
    )
    .bind(end)
    .fetch_all(&mut *connection)
    .await?;
    let mut next = dropped_to + 1;
    for part in parts.iter().take_while(|part| part.to_position <= end) {
        if part.from_position == next {
            next = part.to_position + 1;
        }
    }
    if next != end + 1 {
        let hole = format!("position {next} is not archived and verified");
        return Err(ArchiveError::Refused(hole));
    }
    // Readers of the log are waited for, and wait, and so does whoever wants the writer lock: not for long.
    sqlx::query("SET LOCAL lock_timeout = '300ms'")
        .execute(&mut *connection)
        .await?;
    for index in first..behind {
        let sql = format!("DROP TABLE pipeline.message_log_{index}");
        let dropped = sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await;
        dropped.map_err(|error| {
            if error.as_database_error().is_some_and(is_locked) {
                let reason =
                    "somebody reads the log, a backup perhaps: try again when that has ended";
                return ArchiveError::Refused(reason.to_owned());
            }
            ArchiveError::Sql(error)
        })?;
    }
    sqlx::query("UPDATE pipeline.log_head SET dropped_to = $1")
        .bind(end)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE pipeline.archive SET dropped_at = $2 WHERE to_position <= $1 AND dropped_at IS NULL",
    )
    .bind(end)
    .bind(now.0)
    .execute(&mut *connection)
    .await?;
    metrics::gauge!("tributary_log_dropped_to").set(super::gauge(end));
    Ok(end)
}

/// Compares the files of what is about to be dropped with their hashes: the last chance to find that one is gone.
pub async fn read_back(pool: &PgPool, floor: i64) -> Result<(), ArchiveError> {
    let parts: Vec<Part> = sqlx::query_as(
        "SELECT a.* FROM pipeline.archive a, pipeline.log_head h
          WHERE dropped_at IS NULL AND to_position <= least($1, h.dropped_to + ($2 + 1) * h.partition_positions)
          ORDER BY from_position",
    )
    .bind(floor)
    .bind(MAX_PARTITIONS)
    .fetch_all(pool)
    .await?;
    let folder = folder(pool).await?;
    for part in parts {
        let path = folder.join(&part.file);
        off_thread(move || {
            if sha256_of(&path)? == part.sha256 {
                return Ok(());
            }
            Err(ArchiveError::Corrupt(format!(
                "{} has another hash",
                part.file
            )))
        })
        .await?;
    }
    Ok(())
}
