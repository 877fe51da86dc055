//! What finds the messages of a request, or about a subject, is made by the leader in the background, so that what is inserted costs no
//! index anything: filters of ranges of pages that are full, and indexes of whole partitions that are closed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(5);
/// Where this process committed nothing, in case that another one did.
const AT_LATEST: Duration = Duration::from_mins(1);
/// Ranges that one statement summarises at most: some hundred milliseconds of reading.
const AT_ONCE: i64 = 64;

/// Our own indexes of that sort, with the pages of their tables and of one range.
const INDEXES: &str = "SELECT c.oid::bigint,
        pg_relation_size(i.indrelid) / current_setting('block_size')::bigint,
        coalesce((SELECT option_value::bigint FROM pg_options_to_table(c.reloptions) WHERE option_name = 'pages_per_range'), 128)
   FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid
  WHERE a.amname = 'brin' AND c.relkind = 'i' AND pg_has_role(c.relowner, 'USAGE')";

/// A range that has a summary costs a look at it. No lock is waited for for long: what is not done now is done next time.
const SUMMARISE: &str = "SELECT count(brin_summarize_range($1::bigint::oid::regclass, page))
   FROM generate_series($2::bigint, $3::bigint, $4::bigint) page";

/// Makes them until stopped, where something was committed since all were made. Run it under the relay's lock, or several processes do
/// the same work.
pub async fn run(pool: PgPool, mut committed: watch::Receiver<i64>, stop: CancellationToken) {
    let (mut done, mut looked) = (BTreeMap::new(), None::<Instant>);
    while stop
        .run_until_cancelled(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        let lately = looked.is_some_and(|at| at.elapsed() < AT_LATEST);
        if lately && !committed.has_changed().unwrap_or(false) {
            continue;
        }
        committed.mark_unchanged();
        looked = Some(Instant::now());
        let made = async {
            let all = step(&pool, &mut done).await?;
            Ok::<bool, sqlx::Error>(!index_closed(&pool).await? && all)
        };
        let Some(made) = stop.run_until_cancelled(made).await else {
            return;
        };
        let all = made.unwrap_or_else(|error| {
            tracing::debug!(%error, "the log's indexes cannot be made now");
            false
        });
        if !all {
            looked = None;
        }
    }
}

/// The oldest closed partition of the log that has no index of its own.
const CLOSED: &str = r"SELECT p.relname::text
   FROM pipeline.log_head h, pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
  WHERE i.inhparent = 'pipeline.message_log'::regclass
    AND (substring(p.relname FROM '\d+$')::bigint + 1) * h.partition_positions <= h.position
    AND to_regclass('pipeline.' || p.relname || '_by_subject') IS NULL
  ORDER BY length(p.relname), p.relname LIMIT 1";

/// Indexes one closed partition by correlation id and by subject; false where all are. A look-up then reads three or four pages of it, and
/// not the filters of all its rows. Sorting takes one processor and bounded memory; readers are not in its way.
pub async fn index_closed(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let closed: Option<String> = sqlx::query_scalar(CLOSED).fetch_optional(pool).await?;
    let Some(partition) = closed else {
        return Ok(false);
    };
    let mut tx = crate::begin(pool, "BEGIN").await?;
    let sql = format!(
        "SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = 0;
         SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout';
         SET LOCAL maintenance_work_mem = '32MB'; SET LOCAL max_parallel_maintenance_workers = 0;
         CREATE INDEX {partition}_by_request ON pipeline.{partition} (correlation_id);
         CREATE INDEX {partition}_by_subject ON pipeline.{partition} (subject);"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// Summarises what is full and has no summary yet, a bounded part of it; true where that was all. `done` says up to which page each index
/// has them.
pub async fn step(pool: &PgPool, done: &mut BTreeMap<i64, i64>) -> Result<bool, sqlx::Error> {
    let indexes: Vec<(i64, i64, i64)> = sqlx::query_as(INDEXES).fetch_all(pool).await?;
    done.retain(|oid, _| indexes.iter().any(|(it, ..)| it == oid));
    let mut all = true;
    for (oid, pages, range) in indexes {
        let from = done.get(&oid).copied().unwrap_or(0);
        // The last range is being written to, and perhaps the one before it.
        let there = pages / range - 1;
        let full = there.min(from / range + AT_ONCE);
        all &= full == there;
        let last = (full - 1) * range;
        if last < from {
            continue;
        }
        let mut tx = crate::begin(pool, "BEGIN").await?;
        sqlx::query("SET LOCAL lock_timeout = '200ms'")
            .execute(&mut *tx)
            .await?;
        sqlx::query(SUMMARISE)
            .bind(oid)
            .bind(from)
            .bind(last)
            .bind(range)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        done.insert(oid, last + range);
    }
    Ok(all)
}
