//! One table from one database to another, as it stands.

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::PIECE;

/// Copies a table into one of this name in a schema.
pub(crate) async fn table(
    from: &mut PgConnection,
    source: &str,
    into: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<()> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT quote_ident(attname), format_type(atttypid, atttypmod) FROM pg_attribute
          WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(source)
    .fetch_all(&mut *from)
    .await?;
    if columns.is_empty() {
        bail!("there is no table {source}");
    }
    let typed: Vec<String> = columns
        .iter()
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let make = format!("CREATE TABLE {schema}.{name} ({})", typed.join(", "));
    into.execute(AssertSqlSafe(make)).await?;
    // By rows and not by COPY: of its last two packets the second waits 40 ms for the first one's receipt.
    let read = format!("SELECT ROW({})::text FROM {source}", names.join(", "));
    let write = format!(
        "INSERT INTO {schema}.{name} SELECT (row).*
           FROM (SELECT text::{schema}.{name} AS row FROM unnest($1::text[]) text OFFSET 0) rows"
    );
    let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(read)).fetch(from);
    let (mut piece, mut bytes) = (Vec::new(), 0);
    loop {
        let row = rows.try_next().await;
        let row = row.with_context(|| format!("cannot read {source}"))?;
        let is_last = row.is_none();
        bytes += row.as_ref().map_or(0, String::len);
        piece.extend(row);
        if bytes >= PIECE || (is_last && !piece.is_empty()) {
            let write = sqlx::query(AssertSqlSafe(write.clone())).bind(&piece);
            write.execute(&mut *into).await?;
            piece.clear();
            bytes = 0;
        }
        if is_last {
            return Ok(());
        }
    }
}
