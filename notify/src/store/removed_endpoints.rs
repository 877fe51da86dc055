//! `removed_endpoints`: those that there are no more, while something is left of what they were sent.

use sqlx::{PgConnection, PgPool};

/// Rows that one statement takes away.
const AT_ONCE: i64 = 1_000;

/// Keeps these, of which there may be something.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    endpoints: &[String],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, endpoints => "removed_endpoints" {
        id: text = String::as_str,
    } "ON CONFLICT DO NOTHING")
    .await
}

/// Takes some of it away, and of what waits for them; of whom nothing is left is looked at no more, as nothing is added.
pub(crate) async fn forget(pool: &PgPool) -> Result<(), sqlx::Error> {
    let deleted = sqlx::query(
        "DELETE FROM webhook_deliveries WHERE id IN (
           SELECT d.id FROM removed_endpoints e JOIN webhook_deliveries d ON d.endpoint_id = e.id LIMIT $1)",
    )
    .bind(AT_ONCE)
    .execute(pool)
    .await?;
    if deleted.rows_affected() >= AT_ONCE.unsigned_abs() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM removed_endpoints e
          WHERE NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.id)",
    )
    .execute(pool)
    .await
    .map(|_| ())
}
