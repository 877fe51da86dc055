//! What the rows of a purchase cost Postgres by themselves: copied a thousand at a time, by one connection, into empty tables with the same
//! indexes, while nothing else happens. As long as these rows are kept nothing can cost less.

use std::fmt::Write;

use anyhow::{Context, Result};
use devstack::local::LocalStack;
use schemas::Service;
use sqlx::{AssertSqlSafe, PgPool};

use super::machine::Machine;
use super::report::tenths;

/// Rows of each table that are copied, the last ones, and of each transaction.
const ROWS: i64 = 100_000;
const BATCH: i64 = 1_000;

/// Tables of a database with their rows, by the partition that has most of them.
const TABLES: &str = "SELECT DISTINCT ON (1) coalesce(pg_partition_root(s.relid)::regclass, s.relid::regclass)::text AS name,
        s.relid::regclass::text AS part, sum(s.n_tup_ins) OVER (PARTITION BY coalesce(pg_partition_root(s.relid), s.relid))::bigint AS inserted,
        (SELECT count(*) FROM pg_index i WHERE i.indrelid = s.relid) AS indexes
   FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid AND c.relkind = 'r' ORDER BY 1, s.n_tup_ins DESC";

/// The table of what each purchase writes at least every second time, and the sum, beside what the server took of each under full load.
pub async fn table(stack: &LocalStack, under_load_us: u64) -> Result<String> {
    let mut found = Vec::new();
    for service in Service::ALL {
        let pool = PgPool::connect(&stack.database_url(service)?).await?;
        let tables: Vec<(String, String, i64, i64)> =
            sqlx::query_as(TABLES).fetch_all(&pool).await?;
        found.push((service, pool, tables));
    }
    let sold = found
        .iter()
        .find(|(service, ..)| *service == Service::Tracking);
    let sold = sold.and_then(|(_, _, tables)| tables.iter().find(|it| it.0 == "conversions"));
    let purchases = sold.context("tracking has no conversions")?.2.max(1);
    let mut page = format!(
        "\nWhat the rows of a purchase cost Postgres by themselves: the last {ROWS} of each table, copied {BATCH} a transaction by one connection into an empty table with \
         the same indexes, on the stack at rest, CPU µs:\n\n\
         | database | table | rows a purchase | indexes | a row | a purchase |\n|---|---|---|---|---|---|\n"
    );
    let mut of_all = 0;
    for (service, pool, tables) in &found {
        for (name, part, inserted, indexes) in tables {
            let hundredths = u64::try_from(inserted * 100 / purchases)?;
            if hundredths < 50 {
                continue;
            }
            let of_a_row = copied(stack, pool, part).await?;
            let of_a_purchase = of_a_row * hundredths / 100;
            of_all += of_a_purchase;
            writeln!(
                page,
                "| {service} | {name} | {}.{:02} | {indexes} | {} | {} |",
                hundredths / 100,
                hundredths % 100,
                tenths(of_a_row),
                tenths(of_a_purchase)
            )?;
        }
    }
    writeln!(
        page,
        "\nIn all {} µs of the {under_load_us} that Postgres takes under full load. The rest is what decides upon a purchase (whether it is known, whose it is, what its terms were), \
         what changes rows, sends and commits.",
        tenths(of_all)
    )?;
    Ok(page)
}

/// CPU of a row, in tenths of a microsecond.
async fn copied(stack: &LocalStack, pool: &PgPool, part: &str) -> Result<u64> {
    let make = format!(
        "DROP TABLE IF EXISTS copied_rows; CREATE TABLE copied_rows (LIKE {part} INCLUDING ALL)"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(pool).await?;
    let copy = format!(
        "DO $$ DECLARE
           pages bigint := pg_relation_size('{part}') / current_setting('block_size')::bigint;
           many bigint := (SELECT greatest(count(*), 1) FROM {part});
           step bigint := greatest(1, {BATCH} * pages / many);
           page bigint := greatest(0, pages - step * {ROWS} / {BATCH});
         BEGIN
           WHILE page < pages LOOP
             INSERT INTO copied_rows SELECT * FROM {part}
              WHERE ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + step)::tid;
             COMMIT;
             page := page + step;
           END LOOP;
         END $$"
    );
    let before = Machine::read(stack.layout())?;
    sqlx::raw_sql(AssertSqlSafe(copy)).execute(pool).await?;
    let cpu = Machine::read(stack.layout())?.cpu_since(&before);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM copied_rows")
        .fetch_one(pool)
        .await?;
    sqlx::query("DROP TABLE copied_rows").execute(pool).await?;
    let cpu = cpu.get("postgres").copied().unwrap_or(0);
    Ok(cpu * 10 / u64::try_from(rows)?.max(1))
}
