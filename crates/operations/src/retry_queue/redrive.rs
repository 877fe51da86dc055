//! `pipeline.redrive`: redriving many messages, at a rate, with progress that survives a restart.

use std::sync::Arc;
use std::time::Duration;

use messaging::audit::{self, Act};
use messaging::clock::Looked;
use messaging::retry_queue::HAD_ITS_EFFECT;
use messaging::{Lookups, WriteTx, Writer};
use serde_json::json;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use types::ids;
use uuid::Uuid;

use super::acts::{ActError, By, flip};
use super::look::{Filter, MATCHES, bind_filter};

/// The most messages a second.
pub const MAX_RATE: i32 = 10_000;
/// How often a redrive goes on.
const STEP: Duration = Duration::from_millis(200);
/// The same after a step that failed: its database may be away.
const STEP_AFTER_ERROR: Duration = Duration::from_secs(1);
/// In microseconds.
const SECOND: i64 = 1_000_000;
/// A step makes at most so many messages due.
const MAX_AT_ONCE: i64 = 1_000;

types::names! {
    /// How a redrive is.
    pub enum State {
        /// It goes on.
        Running = "running",
        /// It came to its end.
        Done = "done",
        /// An operator stopped it.
        Cancelled = "cancelled",
    }
}

/// A redrive and how far it is.
#[derive(Debug, Clone, FromRow)]
pub struct Redrive {
    /// Its id.
    pub id: Uuid,
    /// Which rows it is for.
    pub filter: Json<Filter>,
    /// Messages a second.
    pub rate: i32,
    /// The name of a [`State`].
    pub state: String,
    /// When it began, in microseconds.
    pub started_at: i64,
    /// The newest row that it is for.
    pub last_arrival: i64,
    /// How far it has picked.
    pub at_arrival: i64,
    /// When it picked last, by the clock.
    pub stepped_at: i64,
    /// How many rows passed the filter when it began.
    pub total: i64,
    /// How many it made due.
    pub picked: i64,
    /// How many of these left the table.
    pub done: i64,
    /// How many of these are dead again.
    pub failed: i64,
    /// How many it left at its end, of kinds that the build that went on with it does not have.
    pub passed_over: i64,
    /// When it ended, in microseconds.
    pub ended_at: Option<i64>,
}

/// What a running redrive's figures are counted from; those of one that ended stand.
const WITH_PROGRESS: &str = "SELECT r.id, r.filter, r.rate, r.state, r.started_at, r.last_arrival, r.at_arrival, r.stepped_at, r.total,
        r.picked, r.passed_over, r.ended_at,
        CASE WHEN r.state = 'running' THEN r.picked - n.there ELSE r.done END AS done,
        CASE WHEN r.state = 'running' THEN n.dead ELSE r.failed END AS failed
   FROM pipeline.redrive r,
        LATERAL (SELECT count(*) AS there, count(*) FILTER (WHERE p.state = 'dead') AS dead
                   FROM pipeline.parked p WHERE p.redrive = r.id) n";

/// The condition of the rows that a filter names: never what had its effect already, which an operator drops.
fn named() -> String {
    format!("{MATCHES} AND NOT starts_with(p.reason, '{HAD_ITS_EFFECT}')")
}

/// The same without what this build cannot handle, with the kinds that it has as `$7`.
fn redriven() -> String {
    format!(
        "{} AND coalesce(p.header::json ->> 'type' = ANY($7), true)",
        named()
    )
}

/// Begins a redrive of all dead rows, or of those in another state that the filter names. It goes once through what is
/// there now, in order of arrival.
pub async fn start(
    pool: &PgPool,
    writer: &Writer,
    mut filter: Filter,
    rate: i32,
    by: By<'_>,
) -> Result<Uuid, ActError> {
    let state = filter.state.get_or_insert_with(|| "dead".to_owned());
    if !matches!(state.as_str(), "dead" | "retrying" | "waiting") {
        let reason = "only dead, retrying and waiting messages can be redriven";
        return Err(ActError::NotNow(reason.to_owned()));
    }
    let mut tx = WriteTx::begin(pool, writer, Lookups::default()).await?;
    let now = tx.now();
    let sql = format!(
        "SELECT count(*), coalesce(max(p.arrival), 0) FROM pipeline.parked p WHERE {}",
        redriven()
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    let (total, last): (i64, i64) = bind_filter!(query, filter)
        .bind(schemas::known_names())
        .fetch_one(tx.connection())
        .await?;
    let act = Act {
        actor: by.actor,
        action: "parked.redrive_many",
        target: String::new(),
        reason: by.reason,
        detail: json!({ "filter": filter, "rate": rate, "total": total }),
    };
    let audit = audit::record(tx.connection(), now, &act).await?;
    let id = ids::derive(&["redrive", &now.0.to_string(), &audit.to_string()]);
    sqlx::query(
        "INSERT INTO pipeline.redrive (id, audit, filter, rate, state, started_at, stepped_at, last_arrival, at_arrival, total,
                                       picked, done, failed)
         VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, 0, $8, 0, 0, 0)",
    )
    .bind(id)
    .bind(audit)
    .bind(Json(&filter))
    .bind(rate)
    .bind(now.0)
    .bind(tx.clock().0)
    .bind(last)
    .bind(total)
    .execute(tx.connection())
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// A redrive, by its id.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Redrive>, sqlx::Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{WITH_PROGRESS} WHERE r.id = $1"
    )))
    .bind(id)
    .fetch_optional(pool)
    .await
}

/// The latest redrives, newest first.
pub async fn latest(pool: &PgPool, limit: i64) -> Result<Vec<Redrive>, sqlx::Error> {
    let sql = format!("{WITH_PROGRESS} ORDER BY r.started_at DESC LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// Stops a redrive where it is; what it made due is handled all the same.
pub async fn cancel(pool: &PgPool, writer: &Writer, id: Uuid, by: By<'_>) -> Result<(), ActError> {
    let mut tx = WriteTx::begin(pool, writer, Lookups::default()).await?;
    let now = tx.now();
    let sql = format!("{WITH_PROGRESS} WHERE r.id = $1");
    let job: Option<Redrive> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(tx.connection())
        .await?;
    let job = job.ok_or(ActError::Gone)?;
    if job.state != State::Running.name() {
        return Err(ActError::NotNow(format!("it is {} already", job.state)));
    }
    end(&mut tx, &job, State::Cancelled, 0).await?;
    let act = Act {
        actor: by.actor,
        action: "parked.cancel_redrive",
        target: id.to_string(),
        reason: by.reason,
        detail: json!({ "total": job.total, "picked": job.picked }),
    };
    audit::record(tx.connection(), now, &act).await?;
    tx.commit().await?;
    Ok(())
}

/// Carries redrives on until stopped, when the last look at the log's head says that there is one. Any replica may take the next step, under
/// the writer lock.
pub async fn run(
    pool: PgPool,
    writer: Writer,
    changed: Arc<Notify>,
    mut looked: watch::Receiver<Looked>,
    stop: CancellationToken,
) {
    loop {
        let is_there = tokio::select! {
            () = stop.cancelled() => return,
            found = looked.wait_for(|it| it.redrives) => found.is_ok(),
        };
        if !is_there {
            return;
        }
        let pause = match messaging::answered(step(&pool, &writer)).await {
            Ok(picked) => {
                if picked > 0 {
                    changed.notify_one();
                }
                STEP
            }
            Err(error) => {
                tracing::warn!(%error, "a redrive cannot go on now");
                STEP_AFTER_ERROR
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One step of the oldest running redrive, if there is one: how many messages became due.
async fn step(pool: &PgPool, writer: &Writer) -> Result<u64, sqlx::Error> {
    let mut tx = WriteTx::begin(pool, writer, Lookups::default()).await?;
    let sql = format!("{WITH_PROGRESS} WHERE r.state = 'running' ORDER BY r.started_at LIMIT 1");
    let job: Option<Redrive> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_optional(tx.connection())
        .await?;
    let Some(job) = job else { return Ok(0) };
    // The log's time may stand still for as long as a clock was ahead. However long nothing was done, no more than a second's worth
    // comes at once: also where the clock was set back since.
    let clock = tx.clock().0;
    let elapsed = match clock - job.stepped_at {
        elapsed @ 0..SECOND => elapsed,
        _ => SECOND,
    };
    let allowed = (i64::from(job.rate) * elapsed / SECOND).min(MAX_AT_ONCE);
    if allowed == 0 {
        return Ok(0);
    }
    let arrivals = next(&mut tx, &job, allowed).await?;
    let Some(last) = arrivals.last() else {
        // What stands behind something dead goes on when somebody acts upon that, and what a newer build made due when one runs again.
        let in_flight: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pipeline.parked p WHERE p.redrive = $1 AND p.state = 'retrying'
                               AND coalesce(p.header::json ->> 'type' = ANY($2), true)
                               AND NOT EXISTS (SELECT 1 FROM pipeline.parked q
                                                WHERE q.subject = p.subject AND coalesce(q.entity = p.entity, true)
                                                  AND q.arrival < p.arrival AND q.state <> 'unknown_type'
                                                  AND (q.state = 'dead' OR q.header::json ->> 'type' <> ALL($2))))",
        )
        .bind(job.id)
        .bind(schemas::known_names())
        .fetch_one(tx.connection())
        .await?;
        if !in_flight {
            let passed_over = count_passed_over(&mut tx, &job).await?;
            end(&mut tx, &job, State::Done, passed_over).await?;
            tx.commit().await?;
        }
        return Ok(0);
    };
    let picked = flip(&mut tx, &arrivals, Some(job.id)).await?;
    sqlx::query(
        "UPDATE pipeline.redrive SET at_arrival = $2, picked = picked + $3, stepped_at = $4 WHERE id = $1",
    )
    .bind(job.id)
    .bind(last)
    .bind(i64::try_from(picked).unwrap_or(0))
    .bind(clock)
    .execute(tx.connection())
    .await?;
    tx.commit().await?;
    Ok(picked)
}

/// The next rows that a redrive is for.
async fn next(tx: &mut WriteTx, job: &Redrive, limit: i64) -> Result<Vec<i64>, sqlx::Error> {
    let sql = format!(
        "SELECT p.arrival FROM pipeline.parked p WHERE {} AND p.arrival > $8 AND p.arrival <= $9
          ORDER BY p.arrival LIMIT $10",
        redriven()
    );
    let filter = &job.filter.0;
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
    bind_filter!(query, filter)
        .bind(schemas::known_names())
        .bind(job.at_arrival)
        .bind(job.last_arrival)
        .bind(limit)
        .fetch_all(tx.connection())
        .await
}

/// How many rows a redrive is for that this build cannot handle. A replica of a newer build that took no step of it may.
async fn count_passed_over(tx: &mut WriteTx, job: &Redrive) -> Result<i64, sqlx::Error> {
    let sql = format!(
        "SELECT count(*) FROM pipeline.parked p
          WHERE {} AND p.header::json ->> 'type' <> ALL($7) AND p.arrival <= $8",
        named()
    );
    let filter = &job.filter.0;
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
    bind_filter!(query, filter)
        .bind(schemas::known_names())
        .bind(job.last_arrival)
        .fetch_one(tx.connection())
        .await
}

/// Ends a redrive with the figures of this moment.
async fn end(
    tx: &mut WriteTx,
    job: &Redrive,
    state: State,
    passed_over: i64,
) -> Result<(), sqlx::Error> {
    let now = tx.now().0;
    sqlx::query(
        "UPDATE pipeline.redrive SET state = $2, done = $3, failed = $4, ended_at = $5, passed_over = $6 WHERE id = $1",
    )
    .bind(job.id)
    .bind(state.name())
    .bind(job.done)
    .bind(job.failed)
    .bind(now)
    .bind(passed_over)
    .execute(tx.connection())
    .await?;
    Ok(())
}
