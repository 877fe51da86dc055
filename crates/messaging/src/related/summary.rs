//! Summaries of the indexes that have an entry for many pages: the leader makes them in the background, of ranges of pages that are
//! full. What is inserted goes to pages without a summary, and so costs the index nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(5);
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

/// Summarises until stopped. Run it under the relay's lock, or several processes do the same work.
pub async fn run(pool: PgPool, stop: CancellationToken) {
    let mut done = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let result = tokio::select! {
            () = stop.cancelled() => return,
            result = step(&pool, &mut done) => result,
        };
        if let Err(error) = result {
            tracing::debug!(%error, "the log's index cannot be summarised now");
        }
    }
}

/// Summarises what is full and has no summary yet, a bounded part of it. `done` says up to which page each index has them.
pub async fn step(pool: &PgPool, done: &mut BTreeMap<i64, i64>) -> Result<(), sqlx::Error> {
    let indexes: Vec<(i64, i64, i64)> = sqlx::query_as(INDEXES).fetch_all(pool).await?;
    done.retain(|oid, _| indexes.iter().any(|(it, ..)| it == oid));
    for (oid, pages, range) in indexes {
        let from = done.get(&oid).copied().unwrap_or(0);
        // The last range is being written to, and perhaps the one before it.
        let full = (pages / range - 1).min(from / range + AT_ONCE);
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
    Ok(())
}
