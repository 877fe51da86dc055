//! `pipeline.audit`: what operators did, when and why. Append-only.

use serde_json::Value;
use sqlx::PgConnection;
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
