//! The retry queue, `pipeline.parked`: what is in it, why, and until when.

pub(crate) mod blocked;

use std::collections::HashSet;

use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// A message counts as dead after so many failed attempts.
pub const MAX_ATTEMPTS: i32 = 5;
/// How the reason of what was decided again begins.
pub const HAD_ITS_EFFECT: &str = "it had its effect as ";

types::names! {
    /// Why a message is in the retry queue.
    pub enum State {
        /// Another aggregate must be known first.
        Waiting = "waiting",
        /// It failed and is tried again with backoff.
        Retrying = "retrying",
        /// An earlier message about its aggregate is in the retry queue.
        Queued = "queued",
        /// It failed too often, or can never succeed. An operator decides.
        Dead = "dead",
        /// Kept for a build that knows its kind.
        UnknownType = "unknown_type",
    }
}

/// A row to write.
#[derive(Debug)]
pub(crate) struct NewRetryRow {
    pub source: String,
    pub message_id: Uuid,
    /// 0 for one that was not parked before.
    pub arrival: i64,
    pub topic: &'static str,
    pub state: State,
    pub reason: String,
    pub waiting_for: Option<String>,
    pub entity: Option<&'static str>,
    pub subject: Option<String>,
    pub attempts: i32,
    pub next_at: i64,
    pub deadline: Option<i64>,
    pub parked_at: i64,
    pub origin: String,
    pub header: String,
    pub schema_id: i32,
    pub body: Vec<u8>,
}

/// A row as it stands.
#[derive(Debug, Clone, FromRow)]
pub struct RetryRow {
    /// Who sent it.
    pub source: String,
    /// The message's id.
    pub message_id: Uuid,
    /// Its place in the queue of its aggregate.
    pub arrival: i64,
    /// The topic whose schema it was written with.
    pub topic: String,
    /// See [`State`].
    pub state: String,
    /// For operators.
    pub reason: String,
    /// What it waits for.
    pub waiting_for: Option<String>,
    /// What the subject is the id of; `None` where that is not known: then it blocks whatever has the subject.
    pub entity: Option<String>,
    /// The aggregate that it blocks.
    pub subject: Option<String>,
    /// Failed attempts.
    pub attempts: i32,
    /// When it is looked at next, in microseconds.
    pub next_at: i64,
    /// When waiting ends, in microseconds.
    pub deadline: Option<i64>,
    /// When it went to the retry queue first, in microseconds.
    pub parked_at: i64,
    /// See [`crate::trust::Sender::origin`].
    pub origin: String,
    /// How often an operator edited or redrove it.
    pub edition: i32,
    /// The header as JSON.
    pub header: String,
    /// Which writer schema.
    pub schema_id: i32,
    /// The original bytes.
    pub body: Vec<u8>,
}

impl RetryRow {
    /// Whether it had its effect before its source lost it and decided it again: handled, it would have it twice.
    pub fn is_decided_again(&self) -> bool {
        self.reason.starts_with(HAD_ITS_EFFECT)
    }
}

/// When to try again after so many attempts, in microseconds from now: 1 s doubling to 5 min, with jitter of up to a
/// quarter taken from the message's id.
pub(crate) fn backoff_micros(attempts: i32, id: Uuid) -> i64 {
    let exponent = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    let base = (1_000_000_i64 << exponent).min(300_000_000);
    let jitter = i64::from(id.as_bytes()[15]) * (base / 4) / 255;
    base + jitter
}

/// Parks messages, or notes how it now stands with those that were there. A newcomer with the identity of one that is there
/// changes nothing: whoever sends it may only claim to be that source.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    rows: &[NewRetryRow],
) -> Result<(), sqlx::Error> {
    let mut seen = HashSet::new();
    let rows: Vec<&NewRetryRow> = rows
        .iter()
        .filter(|row| seen.insert((&row.source, row.message_id)))
        .collect();
    crate::insert_rows!(connection, rows => "pipeline.parked" {
        source: text = |r| r.source.as_str(),
        message_id: uuid = |r| r.message_id,
        arrival: bigint = |r| r.arrival,
        topic: text = |r| r.topic,
        state: text = |r| r.state.name(),
        reason: text = |r| r.reason.as_str(),
        waiting_for: text = |r| r.waiting_for.as_deref(),
        subject: text = |r| r.subject.as_deref(),
        attempts: int = |r| r.attempts,
        next_at: bigint = |r| r.next_at,
        deadline: bigint = |r| r.deadline,
        parked_at: bigint = |r| r.parked_at,
        origin: text = |r| r.origin.as_str(),
        header: text = |r| r.header.as_str(),
        schema_id: int = |r| r.schema_id,
        body: bytea = |r| r.body.as_slice(),
        entity: text = |r| r.entity,
    } on (source, message_id) set (state, reason, waiting_for, attempts, next_at, deadline, entity) "WHERE parked.arrival = excluded.arrival")
    .await
}

pub(crate) async fn delete(
    connection: &mut PgConnection,
    rows: &[(String, Uuid)],
) -> Result<(), sqlx::Error> {
    let sources: Vec<&str> = rows.iter().map(|(source, _)| source.as_str()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|(_, id)| *id).collect();
    sqlx::query(
        "DELETE FROM pipeline.parked p USING UNNEST($1::text[], $2::uuid[]) AS gone (source, id)
          WHERE p.source = gone.source AND p.message_id = gone.id",
    )
    .bind(sources)
    .bind(ids)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes what waited for these due.
pub(crate) async fn resume(
    connection: &mut PgConnection,
    what: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE pipeline.parked SET next_at = 0 WHERE waiting_for = ANY($1)")
        .bind(what)
        .execute(connection)
        .await?;
    Ok(())
}

/// The rows that are due with all that came before them about their aggregate, oldest first. Of messages only those whose kind is `known`: a
/// newer build beside this one may have made others due for itself.
pub async fn due(pool: &PgPool, known: &[&str], limit: i64) -> Result<Vec<RetryRow>, sqlx::Error> {
    sqlx::query_as(
        "WITH kept AS MATERIALIZED (
           SELECT p.source, p.message_id, p.subject, p.entity, p.arrival,
                  CASE WHEN p.state = 'dead' OR p.next_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset THEN false
                       ELSE coalesce(p.header::json ->> 'type' = ANY($2), true) END AS due
             FROM pipeline.parked p, pipeline.log_head h WHERE p.state <> 'unknown_type'),
         waits AS MATERIALIZED (SELECT subject, entity, min(arrival) AS arrival FROM kept WHERE NOT due GROUP BY subject, entity),
         -- What has no entity waits behind whatever has its subject, and that behind it.
         behind AS MATERIALIZED (
           SELECT * FROM waits
           UNION ALL
           SELECT k.subject, NULL, min(k.arrival) FROM kept k
            WHERE k.due AND k.entity IS NULL AND EXISTS (SELECT 1 FROM waits w WHERE w.subject = k.subject AND w.arrival < k.arrival)
            GROUP BY k.subject),
         first AS MATERIALIZED (
           SELECT k.source, k.message_id FROM kept k
            WHERE k.due AND NOT EXISTS (SELECT 1 FROM behind b WHERE b.subject = k.subject AND coalesce(b.entity = k.entity, true)
                                           AND b.arrival < k.arrival)
            ORDER BY k.arrival LIMIT $1)
         SELECT p.* FROM first f JOIN pipeline.parked p USING (source, message_id) ORDER BY p.arrival",
    )
    .bind(limit)
    .bind(known)
    .fetch_all(pool)
    .await
}

/// Puts off for a minute what is due of these writer schemas: it cannot be read now, and what waits behind it may be very much.
pub(crate) async fn put_off(pool: &PgPool, schemas: &[i32]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE pipeline.parked p SET next_at = greatest(next_at, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + h.clock_offset + 60000000)
           FROM pipeline.log_head h WHERE p.schema_id = ANY($1) AND p.state IN ('waiting', 'retrying', 'queued')",
    )
    .bind(schemas)
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes what this build knows, and an earlier one did not, due, and says how many. Of read models the tables are of the fold before then.
pub async fn feed_back_known(
    pool: &PgPool,
    known: &[&str],
    fold_before: Option<i32>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "WITH fed AS (UPDATE pipeline.parked SET state = 'queued', next_at = 0
                       WHERE state = 'unknown_type' AND (header::json ->> 'type') = ANY($1) RETURNING true),
              noted AS (UPDATE pipeline.fold SET version = $2 WHERE version > $2 AND EXISTS (SELECT FROM fed))
         SELECT count(*) FROM fed",
    )
    .bind(known)
    .bind(fold_before)
    .fetch_one(pool)
    .await
}

/// How many rows stand in each state, and for how long the oldest of them, in microseconds of the log's time.
pub async fn counts(pool: &PgPool) -> Result<Vec<(String, i64, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT p.state, count(*),
                greatest(0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + max(h.clock_offset) - min(p.parked_at))
           FROM pipeline.parked p, pipeline.log_head h GROUP BY p.state",
    )
    .fetch_all(pool)
    .await
}

/// The state of a parked message, by its id.
pub async fn state_of(pool: &PgPool, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT state FROM pipeline.parked WHERE message_id = $1 LIMIT 1")
        .bind(id)
        .fetch_optional(pool)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_further_and_further_apart_and_never_in_step() {
        let (lowest, highest) = (Uuid::nil(), Uuid::max());
        let mut before = 0;
        for (attempts, seconds) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (1_000, 300)] {
            let base = seconds * 1_000_000;
            assert_eq!(backoff_micros(attempts, lowest), base);
            assert_eq!(backoff_micros(attempts, highest), base + base / 4);
            assert!(base >= before);
            before = base;
        }
    }
}
