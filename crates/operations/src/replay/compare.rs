//! Live tables against those made again, within one snapshot.

use std::fmt::Write;

use messaging::Tables;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::shadow::quoted;

/// Rows shown for each table; all are counted.
const SHOWN: i64 = 20;

/// A row that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its primary key, by column.
    pub key: Value,
    /// `changed`, `missing` (in the live table) or `unexpected` (there, and made by no event).
    pub what: String,
    /// The columns that differ, as they stand; null where the row is missing.
    pub live: Value,
    /// The same columns as the log says.
    pub rebuilt: Value,
}

/// How a table compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    /// Its name.
    pub table: String,
    /// Rows that stand in it.
    pub live_rows: i64,
    /// Rows that the log makes.
    pub rebuilt_rows: i64,
    /// Rows that are not the same.
    pub different: i64,
    /// The first of them, by key.
    pub first: Vec<Difference>,
}

/// Compares every fold table. The connection's transaction sees both sides at one moment.
pub(super) async fn compare(
    connection: &mut PgConnection,
    tables: &Tables,
) -> Result<Vec<TableReport>, sqlx::Error> {
    // Here tables are read whole, on purpose.
    sqlx::query("SET LOCAL enable_seqscan = on")
        .execute(&mut *connection)
        .await?;
    let mut reports = Vec::with_capacity(tables.folds.len());
    for table in tables.folds {
        let columns = columns(connection, table).await?;
        let columns: Vec<Column> = columns
            .into_iter()
            .filter(|column| !tables.run_dependent.contains(&(*table, &column.name)))
            .collect();
        reports.push(compare_table(connection, table, &columns).await?);
    }
    Ok(reports)
}

#[derive(sqlx::FromRow)]
struct Column {
    name: String,
    key: bool,
}

async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<Column>, sqlx::Error> {
    sqlx::query_as(
        "SELECT a.attname::text AS name,
                EXISTS (SELECT FROM pg_index i
                         WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY(i.indkey)) AS key
           FROM pg_attribute a
          WHERE a.attrelid = to_regclass('public.' || quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped
          ORDER BY a.attnum",
    )
    .bind(table)
    .fetch_all(connection)
    .await
}

async fn compare_table(
    connection: &mut PgConnection,
    table: &str,
    columns: &[Column],
) -> Result<TableReport, sqlx::Error> {
    let name = quoted(table);
    let live = digest(connection, &format!("public.{name}"), columns).await?;
    let rebuilt = digest(connection, &format!("rebuild.{name}"), columns).await?;
    let mut report = TableReport {
        table: table.to_owned(),
        live_rows: live.0,
        rebuilt_rows: rebuilt.0,
        different: 0,
        first: Vec::new(),
    };
    if live != rebuilt {
        let joined = joined(&name, columns);
        let count = format!("SELECT count(*) FROM ({joined}) d");
        report.different = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut *connection)
            .await?;
        let first = format!("SELECT d.* FROM ({joined}) d ORDER BY d.key LIMIT {SHOWN}");
        let rows = sqlx::query(AssertSqlSafe(first))
            .fetch_all(connection)
            .await?;
        for row in rows {
            report.first.push(difference(
                row.try_get("key")?,
                row.try_get("live")?,
                row.try_get("rebuilt")?,
            ));
        }
    }
    Ok(report)
}

/// How many rows there are, and the sum of their hashes: equal tables in any order have equal sums, and unequal ones of
/// as many rows with a chance of one in 2^64.
async fn digest(
    connection: &mut PgConnection,
    table: &str,
    columns: &[Column],
) -> Result<(i64, String), sqlx::Error> {
    let row = each(columns, |name| format!("t.{name}"), ", ");
    let sql = format!(
        "SELECT count(*), coalesce(sum(hashtextextended(ROW({row})::text, 0)::numeric), 0)::text FROM {table} t"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
}

/// Rows of either side that have no equal on the other.
fn joined(name: &str, columns: &[Column]) -> String {
    let keys: Vec<&Column> = columns.iter().filter(|column| column.key).collect();
    let mut key = String::new();
    let mut on = String::new();
    for (index, column) in keys.iter().enumerate() {
        let (comma, and) = if index == 0 {
            ("", "")
        } else {
            (", ", " AND ")
        };
        let (column, text) = (quoted(&column.name), column.name.replace('\'', "''"));
        // Writing to a String cannot fail.
        let _ = write!(key, "{comma}'{text}', coalesce(l.{column}, r.{column})");
        let _ = write!(on, "{and}l.{column} = r.{column}");
    }
    let row = |side: &str| each(columns, |name| format!("{side}.{name}"), ", ");
    let (left, right) = (row("l"), row("r"));
    format!(
        "SELECT jsonb_build_object({key}) AS key, to_jsonb(l) AS live, to_jsonb(r) AS rebuilt
           FROM public.{name} l FULL JOIN rebuild.{name} r ON {on}
          WHERE l IS NULL OR r IS NULL OR ROW({left}) IS DISTINCT FROM ROW({right})"
    )
}

fn each(columns: &[Column], write: impl Fn(&str) -> String, between: &str) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|column| write(&quoted(&column.name)))
        .collect();
    names.join(between)
}

/// Only the columns that differ; bytes are shown as the server shows them.
fn difference(key: Value, live: Option<Value>, rebuilt: Option<Value>) -> Difference {
    let (what, live, rebuilt) = match (live, rebuilt) {
        (Some(Value::Object(mut live)), Some(Value::Object(mut rebuilt))) => {
            live.retain(|column, value| {
                rebuilt.get(column) != Some(value) || {
                    rebuilt.remove(column);
                    false
                }
            });
            ("changed", Value::Object(live), Value::Object(rebuilt))
        }
        (None, rebuilt) => ("missing", Value::Null, rebuilt.unwrap_or_default()),
        (live, _) => ("unexpected", live.unwrap_or_default(), Value::Null),
    };
    Difference {
        key,
        what: what.to_owned(),
        live,
        rebuilt,
    }
}
