//! Copies of the fold tables, empty, in a schema of their own, `rebuild`: the same columns, constraints, indexes, storage and names.

use std::time::Duration;

use messaging::Tables;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};

/// Connections on which a table's bare name is the copy, and any other table's the live one.
pub(super) fn pool(live: &PgPool) -> PgPool {
    let options = (*live.connect_options()).clone().options([
        ("search_path", "rebuild,public"),
        // What is half made is thrown away anyway.
        ("synchronous_commit", "off"),
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "60s"),
        // The connection that holds off others says nothing for long.
        ("idle_session_timeout", "0"),
    ]);
    PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(options)
}

/// The statements that make one thing again, in the words of the server.
const OF_TABLE: &str = r"
WITH t AS (SELECT c.oid, c.relname, c.reloptions FROM pg_class c WHERE c.oid = to_regclass('public.' || quote_ident($1)))
SELECT 1 AS step, format('CREATE TABLE rebuild.%1$I (LIKE public.%1$I INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION)',
                         relname)
       || coalesce(' WITH (' || array_to_string(reloptions, ', ') || ')', '') AS sql
  FROM t
UNION ALL
SELECT CASE k.contype WHEN 'f' THEN 4 ELSE 2 END,
       format('ALTER TABLE rebuild.%I ADD CONSTRAINT %I %s', t.relname, k.conname, pg_get_constraintdef(k.oid))
  FROM t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.contype IN ('p', 'u', 'c', 'x', 'f')
UNION ALL
SELECT 3, pg_get_indexdef(i.indexrelid, 0, true)
  FROM t JOIN pg_index i ON i.indrelid = t.oid
 WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))";

const OF_VIEWS: &str = r"
SELECT 5 AS step, format('CREATE VIEW rebuild.%I AS %s', c.relname, pg_get_viewdef(c.oid)) AS sql
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' ORDER BY c.relname";

/// The newest migration of the service's own tables.
pub(super) async fn migration(database: impl PgExecutor<'_>) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT max(version) FROM public._sqlx_migrations")
        .fetch_one(database)
        .await
}

/// Makes the copies; what an earlier try left is removed first.
pub(super) async fn create(pool: &PgPool, tables: &Tables) -> Result<(), sqlx::Error> {
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    run(&mut tx, "DROP SCHEMA IF EXISTS rebuild CASCADE".to_owned()).await?;
    run(&mut tx, "CREATE SCHEMA rebuild".to_owned()).await?;
    // Definitions name without a schema what is in the path, so that they mean the copies afterwards.
    run(&mut tx, "SET LOCAL search_path = public".to_owned()).await?;
    let mut steps: Vec<(i32, String)> = Vec::new();
    for table in tables.replayed() {
        let of_table: Vec<(i32, String)> = sqlx::query_as(OF_TABLE)
            .bind(table)
            .fetch_all(&mut *tx)
            .await?;
        if of_table.is_empty() {
            return Err(sqlx::Error::Protocol(format!("there is no table {table}")));
        }
        steps.extend(of_table);
    }
    steps.extend(
        sqlx::query_as::<_, (i32, String)>(OF_VIEWS)
            .fetch_all(&mut *tx)
            .await?,
    );
    steps.sort_by_key(|(step, _)| *step);
    run(
        &mut tx,
        "SET LOCAL search_path = rebuild, public".to_owned(),
    )
    .await?;
    for (_, sql) in steps {
        run(&mut tx, sql).await?;
    }
    for seed in tables.seeds {
        run(&mut tx, (*seed).to_owned()).await?;
    }
    tx.commit().await
}

/// Gives the planner figures of the copies before anyone lives on them.
pub(super) async fn analyze(pool: &PgPool, tables: &Tables) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    for table in tables.replayed() {
        run(
            &mut connection,
            format!("ANALYZE rebuild.{}", quoted(table)),
        )
        .await?;
    }
    Ok(())
}

/// Tables of the service that stand in no list, or in a list and not in the database: a replay must know all of them.
pub async fn unlisted(pool: &PgPool, tables: &Tables) -> Result<Vec<String>, sqlx::Error> {
    let there: Vec<String> = sqlx::query_scalar(
        r"SELECT CASE n.nspname WHEN 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '_sqlx_migrations'
            AND n.nspname NOT IN ('pipeline', 'information_schema', 'rebuild')
            AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT LIKE 'replaced\_%'
          ORDER BY 1",
    )
    .fetch_all(pool)
    .await?;
    let mut listed = tables.replayed();
    listed.extend(tables.sides);
    let mut wrong: Vec<String> = there
        .iter()
        .filter(|table| listed.iter().filter(|name| *name == table).count() != 1)
        .cloned()
        .collect();
    let missing = listed
        .iter()
        .filter(|name| !there.iter().any(|table| table == *name));
    wrong.extend(missing.map(|name| (*name).to_owned()));
    Ok(wrong)
}

/// Removes the copies.
pub(super) async fn remove(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    run(
        &mut connection,
        "DROP SCHEMA IF EXISTS rebuild CASCADE".to_owned(),
    )
    .await
}

/// A name as SQL takes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs a statement whose names come from the catalogue or from a service's own list.
pub(super) async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
