//! A follower that misses a message has its source send again: where both have the same history, seldom, and not much.

use schemas::{Service, Topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::audit::{self, Act};
use crate::relay;
use crate::tx::{Lookups, WriteTx, Writer};
use crate::{epoch, log};

/// Messages that are sent again at most.
const MAX_MESSAGES: i64 = 100_000;
/// For one follower and stream: how far apart at least, in microseconds, and how often in an hour.
const APART: i64 = 20_000_000;
const HOUR: i64 = 3_600_000_000;
const PER_HOUR: i64 = 6;
/// As the audit names it.
const ACTION: &str = "relay.resend";

/// How the answer of a source begins that has no more than the follower.
pub(crate) const NOTHING_BEHIND: &str = "has no message behind";

/// Where a follower stands that misses what comes next.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub topic: String,
    pub partition: i32,
    pub epoch: i64,
    /// What it handled last; 0 when nothing.
    pub sequence: i64,
    /// When that was stated.
    pub time: Option<i64>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The relay begins again there.
    SentAgain,
    /// Not by itself: why.
    Refused(String),
    /// It was done a moment ago, or too often.
    TooOften,
}

/// Sets the relay back to before what a follower misses, if what it has handled stands in this log too and what it misses in
/// the table.
pub(crate) async fn again(
    pool: &PgPool,
    writer: &Writer,
    follower: Service,
    topic: Topic,
    wanted: &Wanted,
) -> Result<Outcome, sqlx::Error> {
    let position = match place(pool, topic, wanted).await? {
        Ok(position) => position,
        Err(why) => return Ok(Outcome::Refused(why)),
    };
    let lookups = Lookups::default();
    let mut tx = WriteTx::begin(pool, writer, lookups).await?;
    if tx.epoch() != wanted.epoch {
        return Ok(Outcome::Refused(other_epoch(tx.epoch())));
    }
    let (now, target) = (tx.now(), format!("{}/{}", topic.name(), wanted.partition));
    let clock = tx.clock().0;
    if is_too_often(tx.connection(), follower, &target, clock).await? {
        return Ok(Outcome::TooOften);
    }
    let from = relay::rewind(tx.connection(), topic, wanted.partition, position).await?;
    let Some(from) = from else {
        let why = "does not relay that stream by the broker".to_owned();
        return Ok(Outcome::Refused(why));
    };
    let reason = format!("message {} is missing there", wanted.sequence + 1);
    let act = Act {
        actor: follower.name(),
        action: ACTION,
        target,
        reason: &reason,
        detail: json!({"to": wanted.sequence, "from_position": from, "to_position": position, "by_clock": clock}),
    };
    audit::record(tx.connection(), now, &act).await?;
    tx.commit().await?;
    metrics::counter!("tributary_relay_resends_total", "topic" => topic.name(), "follower" => follower.name()).increment(1);
    tracing::warn!(
        topic = topic.name(),
        partition = wanted.partition,
        follower = follower.name(),
        from = wanted.sequence + 1,
        "a follower misses a message: it is sent again, with all behind it"
    );
    Ok(Outcome::SentAgain)
}

/// Behind which position what is missing stands, or why that is an operator's to say.
async fn place(
    pool: &PgPool,
    topic: Topic,
    wanted: &Wanted,
) -> Result<Result<i64, String>, sqlx::Error> {
    let (partition, sequence) = (wanted.partition, wanted.sequence);
    let epochs = epoch::all(pool).await?;
    let current = epoch::newest(&epochs);
    if wanted.epoch != current {
        return Ok(Err(other_epoch(current)));
    }
    let last = log::last_sequence(pool, topic, partition).await?;
    if sequence >= last {
        return Ok(Err(format!(
            "{NOTHING_BEHIND} {last}: either was restored from a backup"
        )));
    }
    if last - sequence > MAX_MESSAGES {
        let many = last - sequence;
        return Ok(Err(format!(
            "does not send {many} messages again unless it is told to"
        )));
    }
    let dropped_to: i64 = sqlx::query_scalar("SELECT dropped_to FROM pipeline.log_head")
        .fetch_one(pool)
        .await?;
    // What was handled may have left the table: a quiet stream's next message stands far behind it.
    let passed = log::passed(pool, topic, partition, current, sequence).await?;
    if passed < dropped_to {
        return Ok(Err("has it in its archive alone".to_owned()));
    }
    if sequence > 0 && !has_as_handled(pool, topic, wanted).await? {
        return Ok(Err(format!(
            "does not know message {sequence} as it was handled here: either was restored from a backup"
        )));
    }
    Ok(Ok(passed))
}

/// Whether the log has the message that was handled last, in the table or in a file, and it was stated when the follower
/// has it.
async fn has_as_handled(pool: &PgPool, topic: Topic, wanted: &Wanted) -> Result<bool, sqlx::Error> {
    let (partition, sequence) = (wanted.partition, wanted.sequence);
    let position =
        log::position_of_sequence(pool, topic, partition, wanted.epoch, sequence).await?;
    let here = log::all_after(pool, position - 1, 1).await?;
    Ok(here.first().is_some_and(|row| {
        let is_it = row.topic.as_deref() == Some(topic.name())
            && row.partition == Some(partition)
            && row.sequence == Some(sequence);
        is_it && Some(row.time) == wanted.time
    }))
}

fn other_epoch(current: i64) -> String {
    format!("has gone on under epoch {current}")
}

/// Acts are noted by the log's time, which stands still where it is ahead of the clock: these have the clock's too.
async fn is_too_often(
    connection: &mut PgConnection,
    follower: Service,
    target: &str,
    clock: i64,
) -> Result<bool, sqlx::Error> {
    let (in_hour, newest): (i64, Option<i64>) = sqlx::query_as(
        "SELECT count(*), max(by_clock)
           FROM (SELECT actor, target, CASE action WHEN $1 THEN coalesce((detail ->> 'by_clock')::bigint, at) END AS by_clock
                   FROM pipeline.audit ORDER BY id DESC LIMIT 1000) a
          WHERE actor = $2 AND target = $3 AND by_clock > $4 AND by_clock <= $5",
    )
    .bind(ACTION)
    .bind(follower.name())
    .bind(target)
    .bind(clock - HOUR)
    .bind(clock)
    .fetch_one(connection)
    .await?;
    Ok(in_hour >= PER_HOUR || newest.is_some_and(|newest| newest > clock - APART))
}
