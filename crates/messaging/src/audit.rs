//! `pipeline.audit`: what operators did, when and why. Append-only.

use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool};
use types::Micros;

/// What an operator does, to be written in the transaction that does it.
#[derive(Debug)]
pub struct Act<'a> {
    /// The token's subject.
    pub actor: &'a str,
    /// Such as `parked.drop`.
    pub action: &'static str,
    /// What is acted upon: a message's id, a table, a position.
    pub target: String,
    /// Why, in the operator's words: 1 to 500 characters.
    pub reason: &'a str,
    /// What else tells what was done. Never payment details.
    pub detail: Value,
}

/// What an operator did.
#[derive(Debug, Clone, FromRow)]
pub struct AuditRow {
    /// Its place in the list.
    pub id: i64,
    /// When, in microseconds.
    pub at: i64,
    /// The token's subject.
    pub actor: String,
    /// Such as `parked.drop`.
    pub action: String,
    /// What was acted upon.
    pub target: String,
    /// Why.
    pub reason: String,
    /// What else tells what was done.
    pub detail: Value,
}

/// Which acts.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Only by this token subject.
    pub actor: Option<String>,
    /// Only of this action, or of those that begin with it and a dot.
    pub action: Option<String>,
    /// Only upon this.
    pub target: Option<String>,
}

/// Notes an act, in the transaction of `connection` ([`crate::WriteTx::connection`]); `at` is that transaction's time.
/// Returns the act's id.
pub async fn record(
    connection: &mut PgConnection,
    at: Micros,
    act: &Act<'_>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO pipeline.audit (at, actor, action, target, reason, detail) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(at.0)
    .bind(act.actor)
    .bind(act.action)
    .bind(&act.target)
    .bind(act.reason)
    .bind(&act.detail)
    .fetch_one(connection)
    .await
}

/// Acts below an id, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    below: i64,
    limit: i64,
) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM pipeline.audit
          WHERE id < $1 AND ($2::text IS NULL OR actor = $2)
            AND ($3::text IS NULL OR action = $3 OR starts_with(action, $3 || '.'))
            AND ($4::text IS NULL OR target = $4)
          ORDER BY id DESC LIMIT $5",
    )
    .bind(below)
    .bind(&filter.actor)
    .bind(&filter.action)
    .bind(&filter.target)
    .bind(limit)
    .fetch_all(pool)
    .await
}
