//! Partitions of tables that are read for hours.

use std::ops::Range;

use sqlx::PgConnection;

/// How long a lock is waited for here.
const WAIT: &str = "SET LOCAL lock_timeout = '2s'";

/// Whether a table's partition is there, by what is committed now: what a session remembers of a name (`to_regclass`) may be of before
/// it waited for the lock under which somebody else made it.
///
/// # Errors
///
/// The database's.
pub async fn is_there(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    let (schema, name) = name
        .rsplit_once('.')
        .map_or((None, name), |(schema, name)| (Some(schema), name));
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                         WHERE c.relname = $2 AND n.nspname = coalesce($1, current_schema()))",
    )
    .bind(schema)
    .bind(name)
    .fetch_one(connection)
    .await
}

/// What becomes of those who read a table while a partition of it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// They go on, also those who come.
    GoOn,
    /// They are waited for, for two seconds, and whoever comes waits until the transaction ends: it writes into the partition what others must
    /// see whole. A statement is planned, by the partitions that there are, before it takes its snapshot: what commits in between it would see
    /// but for the rows in the new partition.
    Wait,
}

/// Makes a table's partition for a range of numbers, unless it is there.
///
/// It is made apart and attached: whoever reads the table meanwhile, a backup for hours, keeps nobody waiting, as `PARTITION OF` would.
/// What attaching does wait for, maintenance of the whole table, it waits for two seconds: that is an outage, and tried again.
///
/// # Errors
///
/// The database's.
pub async fn make(
    connection: &mut PgConnection,
    table: &'static str,
    name: &str,
    values: Range<i64>,
    readers: Readers,
) -> Result<(), sqlx::Error> {
    if is_there(connection, name).await? {
        return Ok(());
    }
    let Range { start, end } = values;
    let lock = match readers {
        Readers::GoOn => String::new(),
        Readers::Wait => format!("{WAIT}; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;"),
    };
    let sql = format!(
        "{lock}
         CREATE TABLE {name} (LIKE {table} INCLUDING ALL);
         {WAIT};
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end});
         SET LOCAL lock_timeout TO DEFAULT"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
