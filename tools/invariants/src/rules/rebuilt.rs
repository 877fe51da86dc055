//! Rule 7: each service's log, folded anew by the code that it runs, gives the tables that it has.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use schemas::Service;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::process::Command;

use crate::evidence::{MAX_LENGTH, SHOWN, Tally};
use crate::gather::copy;
use crate::scratch::Scratch;
use crate::{Finding, REBUILD, Records};

const CHECK: &str = "the tables of every service are the fold of its log";

pub(super) async fn rebuilt(scratch: &mut Scratch, records: &Records) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(7, CHECK);
    let program = records.programs.join(REBUILD);
    for (&service, from) in &records.databases {
        if service.events_topic().is_none() {
            continue; // It has no log of events.
        }
        // No further than what is compared: a job may have gone on meanwhile.
        let head = format!("SELECT position FROM {service}.log_head");
        let head = sqlx::query_scalar::<_, i64>(AssertSqlSafe(head));
        let head = head.fetch_one(&mut scratch.connection).await?;
        let into = scratch.beside().await?;
        let done = Command::new(&program)
            .args([service.name(), "--until", &head.to_string()])
            .env("REBUILD_FROM", from)
            .env("REBUILD_INTO", &into)
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("cannot run {}", program.display()))?;
        if !done.status.success() {
            let stderr = String::from_utf8_lossy(&done.stderr);
            tally.hold(false, || format!("{service}: {}", stderr.trim()));
            continue;
        }
        let tables = String::from_utf8(done.stdout)?;
        ensure!(!tables.is_empty(), "rebuild names no table of {service}");
        let mut rebuilt = PgConnection::connect(&into).await?;
        for table in tables.lines() {
            let records = &mut scratch.connection;
            compare(records, service, table, &mut rebuilt, &mut tally).await?;
        }
        rebuilt.close().await?;
    }
    Ok(vec![tally.finding()])
}

/// Rows that one side has more often than the other, as the tables have them.
async fn compare(
    records: &mut PgConnection,
    service: Service,
    table: &str,
    rebuilt: &mut PgConnection,
    tally: &mut Tally,
) -> Result<()> {
    let schema = format!("rebuilt_{service}");
    let make = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    records.execute(AssertSqlSafe(make)).await?;
    copy::table(rebuilt, table, records, &schema, table).await?;
    let sql = format!(
        "WITH kept AS (SELECT to_jsonb(t) AS row FROM {service}.{table} t),
              folded AS (SELECT to_jsonb(t) AS row FROM {schema}.{table} t),
              odd AS ((SELECT 'is not the fold of the log' AS what, row FROM (TABLE kept EXCEPT ALL TABLE folded) a)
                      UNION ALL (SELECT 'is missing', row FROM (TABLE folded EXCEPT ALL TABLE kept) b))
         SELECT (SELECT count(*) FROM kept), count(*),
                ARRAY(SELECT left(what || ': ' || row::text, {MAX_LENGTH}) FROM odd LIMIT {SHOWN})
           FROM odd"
    );
    let (rows, odd, evidence): (i64, i64, Vec<String>) = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(records)
        .await?;
    let line = evidence
        .into_iter()
        .map(|row| format!("{service}.{table}: {row}"));
    tally.counted(rows, odd, line);
    Ok(())
}
