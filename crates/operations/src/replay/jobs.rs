//! `pipeline.replay_job`: what operators had made again, and what came of it.

use messaging::{AdvisoryLock, clock};
use sqlx::{FromRow, PgPool};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::rebuild::Seen;
use super::{Order, Phase, ReplayError};

/// A job as it stands.
#[derive(Debug, Clone, FromRow)]
pub struct JobRow {
    /// Its id.
    pub id: Uuid,
    /// `verify` or `swap`.
    pub kind: String,
    /// The operator's token subject.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Microseconds.
    pub started_at: i64,
    /// Microseconds.
    pub finished_at: Option<i64>,
    /// The name of a [`Phase`].
    pub phase: String,
    /// Messages folded.
    pub events: i64,
    /// Their sizes.
    pub bytes: i64,
    /// How far it is.
    pub done: i64,
    /// How far it is to come.
    pub target: i64,
    /// [`super::job::Report`] as JSON.
    pub report: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

const JOBS: &str = "SELECT id, kind, actor, reason, started_at, finished_at, events, bytes, done, target, report, error,
       CASE WHEN finished_at IS NULL AND NOT EXISTS (
                SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = $3 AND granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            AND started_at < $2 THEN 'interrupted' ELSE phase END AS phase
  FROM pipeline.replay_job";

/// One job.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<JobRow>, sqlx::Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{JOBS} WHERE id = $1")))
        .bind(id)
        .bind(young())
        .bind(AdvisoryLock::Replay.key())
        .fetch_optional(pool)
        .await
}

/// The last jobs, newest first.
pub async fn list(pool: &PgPool, limit: i64) -> Result<Vec<JobRow>, sqlx::Error> {
    let sql = format!("{JOBS} ORDER BY started_at DESC LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(limit)
        .bind(young())
        .bind(AdvisoryLock::Replay.key())
        .fetch_all(pool)
        .await
}

/// A job that is not older has not taken its lock yet.
fn young() -> i64 {
    clock::real().0 - 10_000_000
}

/// Notes how far a job is.
pub(super) async fn report(
    pool: &PgPool,
    id: Uuid,
    phase: Phase,
    seen: Seen,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE pipeline.replay_job SET phase = $2, events = $3, bytes = $4, done = $5, target = $6 WHERE id = $1",
    )
    .bind(id)
    .bind(phase.name())
    .bind(i64::try_from(seen.events).unwrap_or(i64::MAX))
    .bind(i64::try_from(seen.bytes).unwrap_or(i64::MAX))
    .bind(seen.done)
    .bind(seen.target)
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes how a job ended.
pub(super) async fn end(
    pool: &PgPool,
    id: Uuid,
    report: Option<&str>,
    error: Option<&str>,
) -> Result<(), sqlx::Error> {
    let ended = if error.is_some() {
        Phase::Failed
    } else {
        Phase::Done
    };
    sqlx::query(
        "UPDATE pipeline.replay_job SET phase = $2, report = $3, error = $4, finished_at = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(ended.name())
    .bind(report)
    .bind(error)
    .bind(clock::real().0)
    .execute(pool)
    .await?;
    Ok(())
}

/// The way to the worker of this process.
#[derive(Clone)]
pub struct Orders {
    pub(super) pool: PgPool,
    pub(super) sender: mpsc::Sender<Order>,
}

impl Orders {
    /// Starts a job. [`ReplayError::Busy`] while another one is under way here or in a replica.
    pub async fn give(&self, order: Order) -> Result<(), ReplayError> {
        let under_way = list(&self.pool, 1).await?;
        let running =
            |job: &JobRow| job.finished_at.is_none() && job.phase != Phase::Interrupted.name();
        if under_way.first().is_some_and(running) {
            return Err(ReplayError::Busy);
        }
        sqlx::query(
            "INSERT INTO pipeline.replay_job (id, kind, actor, reason, started_at, phase, events, bytes, done, target)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0)",
        )
        .bind(order.id)
        .bind(order.kind.name())
        .bind(&order.actor)
        .bind(&order.reason)
        .bind(clock::real().0)
        .bind(Phase::Folding.name())
        .execute(&self.pool)
        .await?;
        let id = order.id;
        if self.sender.try_send(order).is_err() {
            end(&self.pool, id, None, Some("another one is under way")).await?;
            return Err(ReplayError::Busy);
        }
        Ok(())
    }
}
