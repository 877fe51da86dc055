//! Everything that is encrypted with a data key: read by the part, and written anew.

use sqlx::{AssertSqlSafe, PgPool, Row};

/// A table with something encrypted in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    name: &'static str,
    /// What each row belongs to: its primary key.
    id: &'static str,
    column: &'static str,
}

/// All of them.
pub(crate) const TABLES: [Table; 2] = [
    Table {
        name: "aside.sealing_keys",
        id: "id",
        column: "private",
    },
    Table {
        name: "aside.payout_details",
        id: "payout",
        column: "details",
    },
];

/// Something encrypted.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) data_key: Option<Vec<u8>>,
}

/// Of the next `rows` rows behind `after`: those that another key than `current` encrypted, and where they end; `None`
/// when there is no further row.
pub(crate) async fn part(
    pool: &PgPool,
    table: Table,
    after: &str,
    rows: i64,
    current: &[u8],
) -> Result<Option<(Vec<Kept>, String)>, sqlx::Error> {
    let Table { name, id, column } = table;
    let sql = format!(
        "SELECT {id} AS id, data_key, CASE WHEN data_key = $3 THEN NULL ELSE {column} END AS bytes
           FROM {name} WHERE {id} > $1 ORDER BY {id} LIMIT $2"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(after)
        .bind(rows)
        .bind(current)
        .fetch_all(pool)
        .await?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let end: String = last.try_get("id")?;
    let mut kept = Vec::new();
    for row in &rows {
        if let Some(bytes) = row.try_get("bytes")? {
            kept.push(Kept {
                id: row.try_get("id")?,
                bytes,
                data_key: row.try_get("data_key")?,
            });
        }
    }
    Ok(Some((kept, end)))
}

/// Writes rows anew, each only where it still is what was read.
pub(crate) async fn replace(
    pool: &PgPool,
    table: Table,
    rows: &[(Kept, Vec<u8>)],
    current: &[u8],
) -> Result<u64, sqlx::Error> {
    let Table { name, id, column } = table;
    let sql = format!(
        "UPDATE {name} t SET {column} = n.new, data_key = $4
           FROM UNNEST($1::text[], $2::bytea[], $3::bytea[]) AS n(id, old, new)
          WHERE t.{id} = n.id AND t.{column} = n.old"
    );
    let ids: Vec<&str> = rows.iter().map(|(kept, _)| kept.id.as_str()).collect();
    let old: Vec<&[u8]> = rows.iter().map(|(kept, _)| kept.bytes.as_slice()).collect();
    let new: Vec<&[u8]> = rows.iter().map(|(_, new)| new.as_slice()).collect();
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(ids)
        .bind(old)
        .bind(new)
        .bind(current)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

/// How much is encrypted with each key, by its id in hexadecimal; without one, what an earlier build encrypted.
pub(crate) async fn counts(pool: &PgPool) -> Result<Vec<(Option<String>, i64, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT encode(data_key, 'hex'), sum(sealing)::bigint, sum(details)::bigint FROM (
             SELECT data_key, count(*) AS sealing, 0 AS details FROM aside.sealing_keys GROUP BY data_key
             UNION ALL
             SELECT data_key, 0, count(*) FROM aside.payout_details GROUP BY data_key
         ) AS each_table GROUP BY data_key ORDER BY data_key",
    )
    .fetch_all(pool)
    .await
}
