//! What operators see of `pipeline.parked`.

use messaging::retry_queue::RetryRow;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

/// Which rows; what is absent lets every row pass.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<String>,
    /// Only those whose reason contains this, in whatever case.
    pub reason: Option<String>,
    /// Only messages of this type.
    pub kind: Option<String>,
    /// Only from this source.
    pub source: Option<String>,
    /// Only about this aggregate.
    pub subject: Option<String>,
    /// Only those that went to the retry queue before this moment, in microseconds.
    pub before: Option<i64>,
}

/// The condition of a [`Filter`] over `pipeline.parked p`, with its six values from `$1`.
pub(super) const MATCHES: &str = "($1::text IS NULL OR p.state = $1)
    AND ($2::text IS NULL OR position(lower($2) IN lower(p.reason)) > 0)
    AND ($3::text IS NULL OR p.header::json ->> 'type' = $3)
    AND ($4::text IS NULL OR p.source = $4)
    AND ($5::text IS NULL OR p.subject = $5)
    AND ($6::bigint IS NULL OR p.parked_at < $6)";

/// Binds a [`Filter`]'s values, which come first.
macro_rules! bind_filter {
    ($query:expr, $filter:expr) => {
        $query
            .bind(&$filter.state)
            .bind(&$filter.reason)
            .bind(&$filter.kind)
            .bind(&$filter.source)
            .bind(&$filter.subject)
            .bind($filter.before)
    };
}
pub(super) use bind_filter;

/// How many rows have something in common.
#[derive(Debug, Clone, FromRow)]
pub struct Count {
    /// What they have in common: a state, a type or a class of reasons.
    pub name: String,
    /// How many.
    pub rows: i64,
    /// When the oldest of them went to the retry queue, in microseconds.
    pub oldest: i64,
}

/// What is in the retry queue, counted in three ways; the most frequent first.
#[derive(Debug)]
pub struct Counts {
    /// By state.
    pub states: Vec<Count>,
    /// By type; empty for what cannot be read.
    pub kinds: Vec<Count>,
    /// By reason, with ids and numbers blanked.
    pub reasons: Vec<Count>,
}

/// Rows below an arrival, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    below: i64,
    limit: i64,
) -> Result<Vec<RetryRow>, sqlx::Error> {
    let sql = format!(
        "SELECT p.* FROM pipeline.parked p WHERE {MATCHES} AND p.arrival < $7 ORDER BY p.arrival DESC LIMIT $8"
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    bind_filter!(query, filter)
        .bind(below)
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// Counts the rows that pass.
pub async fn count(pool: &PgPool, filter: &Filter) -> Result<Counts, sqlx::Error> {
    let class = r"left(regexp_replace(p.reason, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|:[A-Za-z0-9_-]+|[0-9]+', '#', 'g'), 160)";
    Ok(Counts {
        states: count_by(pool, filter, "p.state").await?,
        kinds: count_by(pool, filter, "coalesce(p.header::json ->> 'type', '')").await?,
        reasons: count_by(pool, filter, class).await?,
    })
}

async fn count_by(pool: &PgPool, filter: &Filter, what: &str) -> Result<Vec<Count>, sqlx::Error> {
    let sql = format!(
        "SELECT {what} AS name, count(*) AS rows, min(p.parked_at) AS oldest FROM pipeline.parked p WHERE {MATCHES}
          GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50"
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    bind_filter!(query, filter).fetch_all(pool).await
}

/// The rows of a message id, at most two: external producers may take the id of another's message.
pub async fn find(
    pool: &PgPool,
    id: Uuid,
    source: Option<&str>,
) -> Result<Vec<RetryRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.parked WHERE message_id = $1 AND ($2::text IS NULL OR source = $2) ORDER BY source LIMIT 2",
    )
    .bind(id)
    .bind(source)
    .fetch_all(pool)
    .await
}

/// The other rows about a row's aggregate, in the order in which they are handled; at most so many.
pub async fn around(
    pool: &PgPool,
    row: &RetryRow,
    limit: i64,
) -> Result<Vec<RetryRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.parked WHERE subject = $1 AND coalesce(entity = $2, true) AND arrival <> $3
            AND state <> 'unknown_type'
          ORDER BY arrival LIMIT $4",
    )
    .bind(&row.subject)
    .bind(&row.entity)
    .bind(row.arrival)
    .bind(limit)
    .fetch_all(pool)
    .await
}
