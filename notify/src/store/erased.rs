//! `erased_partners`: those of whom mails, sales and what ended workflows know are being taken away, one step after the other.

use sqlx::{PgConnection, PgPool};

use super::workflows::Ending;
use super::{mails, sales};

/// Rows of each table that one step takes away.
const AT_ONCE: i64 = 1_000;

/// Keeps whom a step did not end with.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO erased_partners SELECT UNNEST($1::text[]) ON CONFLICT DO NOTHING")
        .bind(partners)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Takes some of theirs away. Returns whether there may be more.
pub(crate) async fn step(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<bool, sqlx::Error> {
    let blanked = mails::erase(&mut *connection, partners, AT_ONCE).await?;
    let deleted = sales::erase(connection, partners, AT_ONCE).await?;
    let most = AT_ONCE.unsigned_abs();
    Ok(blanked >= most || deleted >= most)
}

/// Whether there is anybody.
pub(crate) async fn any(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM erased_partners)")
        .fetch_one(pool)
        .await
}

/// Workflows that have ended and know something of the partner, or may have made a contact of it. What is under way ends with the erasure.
macro_rules! with_traces {
    () => {
        "w.status NOT IN ('running', 'compensating') AND w.reason IS DISTINCT FROM 'partner_erased'
            AND (w.country IS NOT NULL OR w.sealed_name IS NOT NULL OR w.steps::jsonb @> '[{\"step\": \"crm_contact\", \"begun\": true}]')"
    };
}

/// Whether some of theirs are left.
pub(crate) async fn have_workflows(
    connection: &mut PgConnection,
    partners: &[&str],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(concat!(
        "SELECT EXISTS (SELECT FROM workflows w WHERE w.partner_id = ANY($1) AND ",
        with_traces!(),
        ")"
    ))
    .bind(partners)
    .fetch_one(connection)
    .await
}

/// Those of everybody, oldest first.
pub(crate) async fn workflows(
    pool: &PgPool,
    passed: i64,
    most: i64,
) -> Result<Vec<Ending>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT w.id, w.correlation_id, w.changed_at AS due_at FROM erased_partners e JOIN workflows w USING (partner_id) WHERE ",
        with_traces!(),
        " ORDER BY w.position OFFSET $1 LIMIT $2"
    ))
    .bind(passed)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// One behind this one that no other transaction goes on with, for this one alone.
pub(crate) async fn next(
    connection: &mut PgConnection,
    after: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT partner_id FROM erased_partners WHERE partner_id > $1 ORDER BY partner_id LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .bind(after)
    .fetch_optional(connection)
    .await
}

/// Nothing of this one is left.
pub(crate) async fn done(connection: &mut PgConnection, partner: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM erased_partners WHERE partner_id = $1")
        .bind(partner)
        .execute(connection)
        .await
        .map(|_| ())
}
