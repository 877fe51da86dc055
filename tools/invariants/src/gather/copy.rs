//! One table from one database to another, as it stands.

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

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
    let out = format!(
        "COPY {source} ({}) TO STDOUT (FORMAT binary)",
        names.join(", ")
    );
    let to = format!("COPY {schema}.{name} FROM STDIN (FORMAT binary)");
    let mut rows = from
        .copy_out_raw(&out)
        .await
        .with_context(|| format!("cannot read {source}"))?;
    let mut copy = into.copy_in_raw(&to).await?;
    while let Some(bytes) = rows.try_next().await? {
        copy.send(bytes).await?;
    }
    copy.finish().await?;
    Ok(())
}
