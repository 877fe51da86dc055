//! Rows as they stand, read as what they are.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor};

/// The rows of these ids: the statement takes them as `$1`, and is not run for none.
///
/// # Errors
///
/// The database's.
pub async fn load_rows<R>(
    executor: impl PgExecutor<'_>,
    sql: &'static str,
    ids: &[String],
) -> Result<Vec<R>, sqlx::Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(sql).bind(ids).fetch_all(executor).await
}

/// What these rows are, as [`load_rows`] reads them.
///
/// # Errors
///
/// The database's, and those of a row that is none of ours.
pub async fn load<R, S>(
    executor: impl PgExecutor<'_>,
    sql: &'static str,
    ids: &[String],
) -> Result<Vec<S>, sqlx::Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    S: TryFrom<R, Error = sqlx::Error>,
{
    let rows: Vec<R> = load_rows(executor, sql, ids).await?;
    rows.into_iter().map(S::try_from).collect()
}

/// A value of a column, checked as at the edge.
///
/// # Errors
///
/// No build of ours would have written it.
pub fn column<T, E>(name: &str, value: Result<T, E>) -> Result<T, sqlx::Error> {
    value.map_err(|_| sqlx::Error::ColumnDecode {
        index: name.to_owned(),
        source: "its value is out of the range that is ever written".into(),
    })
}

/// One column of many rows, as UNNEST takes it.
pub fn each<'a, R, T>(rows: &'a [R], get: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}
