//! `erased_partners`: those of whom mails and sales are being taken away, one step after the other.

use sqlx::{PgConnection, PgPool};

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

/// One that no other transaction goes on with, for this one alone.
pub(crate) async fn next(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT partner_id FROM erased_partners ORDER BY partner_id LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
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
