//! Which statements Postgres spends its time on, by its module `pg_stat_statements`.

use std::fmt::Write;

use anyhow::{Context, Result};
use devstack::local::LocalStack;
use devstack::stack::Postgres;
use sqlx::{FromRow, PgPool};

/// Statements of a phase that are listed.
const LISTED: usize = 20;
/// Of a statement so many characters are shown.
const SHOWN: usize = 110;

/// The server's statements, of all databases.
pub struct Statements(PgPool);

/// What one statement of one database took.
#[derive(Debug, FromRow)]
pub struct Statement {
    database: String,
    query: String,
    calls: i64,
    exec_ns: i64,
    rows: i64,
    wal_bytes: i64,
}

impl Statements {
    /// Of the stack's server, which must have the module loaded.
    ///
    /// # Errors
    /// The server was started without it.
    pub async fn open(stack: &LocalStack) -> Result<Self> {
        let folder = stack.layout().state.join("postgres");
        let url = Postgres::admin_url_in(&folder, stack.settings().need("POSTGRES_PORT")?)?;
        let pool = PgPool::connect(&url).await?;
        sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            .execute(&pool)
            .await?;
        sqlx::query("SELECT count(*) FROM pg_stat_statements")
            .execute(&pool)
            .await
            .context("Postgres was started without pg_stat_statements: its package is missing")?;
        Ok(Self(pool))
    }

    /// Forgets what was before.
    pub async fn begin(&self) -> Result<()> {
        sqlx::query("SELECT pg_stat_statements_reset()")
            .execute(&self.0)
            .await?;
        Ok(())
    }

    /// What was done since then, the longest first.
    pub async fn taken(&self) -> Result<Vec<Statement>> {
        let all = sqlx::query_as(
            "SELECT datname AS database, query, sum(calls)::bigint AS calls, (sum(total_exec_time) * 1000000)::bigint AS exec_ns,
                    sum(rows)::bigint AS rows, sum(wal_bytes)::bigint AS wal_bytes
             FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid WHERE datname LIKE '%\\_db'
             GROUP BY datname, query ORDER BY sum(total_exec_time) DESC",
        );
        Ok(all.fetch_all(&self.0).await?)
    }
}

/// By database, and the statements that took most, for each of so many purchases, or seconds.
pub fn table(name: &str, statements: &[Statement], (number, each): (u64, &str)) -> Result<String> {
    // In thousandths, of which so many digits are shown.
    let share = |value: i64, digits: usize| {
        let value = u64::try_from(value).unwrap_or(0);
        let thousandths = value.saturating_mul(1_000) / number.max(1);
        let (whole, rest) = (thousandths / 1_000, format!("{:03}", thousandths % 1_000));
        format!("{whole}.{}", &rest[..digits])
    };
    let mut page = format!(
        "\nStatements at {name}, as the server counts their execution, {each} (a commit is none of them):\n\n\
         | database | µs | calls | rows | WAL bytes | statement |\n|---|---|---|---|---|---|\n"
    );
    let mut line = |of: &Statement, what: &str| {
        let Statement { database, .. } = of;
        writeln!(
            page,
            "| {database} | {} | {} | {} | {} | {what} |",
            share(of.exec_ns / 1_000, 1),
            share(of.calls, 3),
            share(of.rows, 2),
            u64::try_from(of.wal_bytes).unwrap_or(0) / number.max(1)
        )
    };
    let mut databases: Vec<&str> = statements.iter().map(|it| it.database.as_str()).collect();
    databases.sort_unstable();
    databases.dedup();
    for database in databases {
        let of = statements.iter().filter(|it| it.database == database);
        let zero = Statement {
            database: database.to_owned(),
            query: String::new(),
            calls: 0,
            exec_ns: 0,
            rows: 0,
            wal_bytes: 0,
        };
        let sum = of.fold(zero, |sum, it| Statement {
            calls: sum.calls + it.calls,
            exec_ns: sum.exec_ns + it.exec_ns,
            rows: sum.rows + it.rows,
            wal_bytes: sum.wal_bytes + it.wal_bytes,
            ..sum
        });
        line(&sum, "all")?;
    }
    for statement in statements.iter().take(LISTED) {
        let words: Vec<&str> = statement.query.split_whitespace().collect();
        let text: String = words
            .join(" ")
            .replace('|', "\\|")
            .chars()
            .take(SHOWN)
            .collect();
        line(statement, &format!("`{text}`"))?;
    }
    Ok(page)
}
