//! What payment's database has committed.

use std::collections::HashMap;

use anyhow::Result;
use schemas::Service;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use devstack::settings::Settings;

/// When the transaction that wrote a row was committed, in microseconds, as a part of a statement.
macro_rules! committed_us {
    () => {
        "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint"
    };
}
pub(super) use committed_us;

/// The last position of a database's log.
pub async fn head(pool: &PgPool) -> Result<i64> {
    let position = sqlx::query_scalar("SELECT position FROM pipeline.log_head");
    Ok(position.fetch_one(pool).await?)
}

/// Payment's database.
pub struct Ledger(PgPool);

/// A place in its log.
pub struct Mark(i64);

/// What became of what was sent.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Purchases whose transfer is committed.
    pub done: u64,
    /// Transfers beyond one for a purchase.
    pub doubled: u64,
    /// Purchases without a transfer.
    pub lost: u64,
    /// From the command's making to the commit of its transfer, in microseconds, ascending.
    pub latencies_us: Vec<u64>,
    /// When the last of these transfers was committed.
    pub last_commit_us: i64,
}

impl Ledger {
    /// Connects to payment's database.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let url = settings.database_url(Service::Payment)?;
        Ok(Self(PgPool::connect(&url).await?))
    }

    /// Where the log stands now.
    pub async fn mark(&self) -> Result<Mark> {
        Ok(Mark(head(&self.0).await?))
    }

    /// Ledger postings committed since then. Nothing else posts while the benchmark runs, so positions tell: counting
    /// rows twenty times a second would be a load of its own.
    pub async fn count_since(&self, mark: &Mark) -> Result<u64> {
        Ok(u64::try_from(head(&self.0).await? - mark.0)?)
    }

    /// Bytes of write-ahead log of the whole server since it was made.
    pub async fn wal_bytes(&self) -> Result<u64> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
                .fetch_one(&self.0)
                .await?;
        Ok(u64::try_from(bytes)?)
    }

    /// Compares what was sent, by correlation id with its time in microseconds, with what is committed.
    pub async fn outcome_since(&self, mark: &Mark, sent: &HashMap<Uuid, i64>) -> Result<Outcome> {
        let rows = sqlx::query(concat!(
            "SELECT correlation_id, ",
            committed_us!(),
            " AS committed FROM pipeline.message_log WHERE position > $1 AND type = 'ledger.posted.v1'"
        ))
        .bind(mark.0)
        .fetch_all(&self.0)
        .await?;
        let mut seen: HashMap<Uuid, u64> = HashMap::with_capacity(rows.len());
        let mut outcome = Outcome::default();
        for row in rows {
            let (id, committed): (Uuid, i64) = (row.try_get(0)?, row.try_get(1)?);
            let Some(sent_at) = sent.get(&id) else {
                continue;
            };
            *seen.entry(id).or_default() += 1;
            outcome.last_commit_us = outcome.last_commit_us.max(committed);
            outcome
                .latencies_us
                .push(u64::try_from(committed - sent_at).unwrap_or(0));
        }
        outcome.latencies_us.sort_unstable();
        outcome.done = seen.len() as u64;
        outcome.doubled = seen.values().map(|count| count - 1).sum();
        outcome.lost = sent.len() as u64 - outcome.done;
        Ok(outcome)
    }
}
