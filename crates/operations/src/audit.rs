//! What operators did, as `pipeline.audit` has it: [`messaging::audit`] writes it.

use serde_json::Value;
use sqlx::{FromRow, PgPool};

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
