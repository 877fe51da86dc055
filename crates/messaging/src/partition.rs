//! Partitions of tables that are read for hours.

use std::ops::Range;

use sqlx::PgConnection;

/// How long a lock is waited for here.
const WAIT: &str = "SET LOCAL lock_timeout = '2s'";

/// Whether a table's partition is there.
///
/// # Errors
///
/// The database's.
pub async fn is_there(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(name)
        .fetch_one(connection)
        .await
}

/// Keeps everybody from a table until the end of a transaction that makes a partition of it and writes into that what others must see whole.
///
/// A statement is planned, by the partitions that there are, before it takes its snapshot: what commits in between it would see but for the rows
/// in the new partition. Who reads now is waited for, for two seconds.
///
/// # Errors
///
/// The database's.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    table: &'static str,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "{WAIT}; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout TO DEFAULT"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
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
) -> Result<(), sqlx::Error> {
    if is_there(connection, name).await? {
        return Ok(());
    }
    let Range { start, end } = values;
    let sql = format!(
        "CREATE TABLE {name} (LIKE {table} INCLUDING ALL);
         {WAIT};
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end});
         SET LOCAL lock_timeout TO DEFAULT"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
