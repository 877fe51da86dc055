//! `webhook_resends`: ranges of deliveries that are being sent again or begun anew, one step after the other.

use sqlx::{FromRow, PgConnection, PgPool};
use types::{Micros, WebhookEndpointId};

use super::deliveries::{behind, due_again, first_that_waits, sent_again};

/// A range that is being sent again.
#[derive(Debug, FromRow)]
pub(crate) struct WebhookResend {
    position: i64,
    endpoint_id: String,
    since: i64,
    until: i64,
    /// Deliveries up to this one are done.
    after_delivery: i64,
    /// There are none behind this one that were there when it was requested.
    last_delivery: i64,
    /// Whether it is of those that wait, and else of those that do not.
    only_pending: bool,
}

/// Keeps one that is to be begun: with the first delivery that was made then, since places rise with time.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    endpoint: &WebhookEndpointId,
    since: Micros,
    until: Micros,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO webhook_resends (endpoint_id, since, until, after_delivery, last_delivery)
         SELECT $1, $2, $3,
                coalesce((SELECT position FROM webhook_deliveries WHERE created_at < $2 ORDER BY created_at DESC LIMIT 1), 0), position
           FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY position DESC LIMIT 1",
    )
    .bind(endpoint.as_str())
    .bind(since.get())
    .bind(until.get())
    .execute(connection)
    .await
    .map(|_| ())
}

/// Keeps that what waits for an endpoint is to be begun anew. The times say nothing of that: a build that knows no such range finds none in it.
pub(crate) async fn insert_pending(
    connection: &mut PgConnection,
    endpoint: &WebhookEndpointId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO webhook_resends (endpoint_id, since, until, last_delivery, only_pending)
         SELECT $1, 0, 0, position, true FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY position DESC LIMIT 1",
    )
    .bind(endpoint.as_str())
    .execute(connection)
    .await
    .map(|_| ())
}

/// Endpoints with a range to be sent again.
pub(crate) async fn endpoints(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT DISTINCT endpoint_id FROM webhook_resends")
        .fetch_all(pool)
        .await
}

/// The oldest one of an endpoint, for this transaction alone; `None` where so many deliveries wait for it already that no more are to.
pub(crate) async fn next(
    connection: &mut PgConnection,
    endpoint: &str,
    waiting: i64,
) -> Result<Option<WebhookResend>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM webhook_resends
          WHERE endpoint_id = $1 AND (only_pending OR (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries
                WHERE endpoint_id = $1 AND state = 'pending' LIMIT $2) w) < $2)
          ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .bind(endpoint)
    .bind(waiting)
    .fetch_optional(connection)
    .await
}

/// Has the next deliveries of it sent again, from the first attempt on, looking at no more than that many: what waits itself at once.
pub(crate) async fn step(
    connection: &mut PgConnection,
    resend: &WebhookResend,
    now: Micros,
    most: i64,
) -> Result<(), sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar(concat!(
        "WITH looked AS (
           SELECT id, endpoint_id, subject, state, position, created_at FROM webhook_deliveries
            WHERE endpoint_id = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4
         ), chosen AS (
           SELECT *, row_number() OVER (PARTITION BY subject ORDER BY position) AS nth FROM looked
            WHERE ($8 OR (created_at >= $6 AND created_at < $7)) AND (state = 'pending') = $8
         ), due AS MATERIALIZED (
           SELECT id, CASE WHEN nth > 1 THEN ",
        behind!(),
        " ELSE ",
        due_again!("$5"),
        " END AS next_at FROM chosen d
         ), again AS (
           UPDATE webhook_deliveries d SET ",
        sent_again!(),
        ", next_at = due.next_at FROM due WHERE d.id = due.id AND (d.state = 'pending') = $8
         )
         SELECT max(position) FROM looked HAVING count(*) = $4 AND ($8 OR max(created_at) < $7)",
    ))
    .bind(&resend.endpoint_id)
    .bind(resend.after_delivery)
    .bind(resend.last_delivery)
    .bind(most)
    .bind(now.get())
    .bind(resend.since)
    .bind(resend.until)
    .bind(resend.only_pending)
    .fetch_optional(&mut *connection)
    .await?;
    let sql = match last {
        Some(_) => "UPDATE webhook_resends SET after_delivery = $2 WHERE position = $1",
        None => "DELETE FROM webhook_resends WHERE position = $1 AND $2::bigint IS NULL",
    };
    sqlx::query(sql)
        .bind(resend.position)
        .bind(last)
        .execute(connection)
        .await
        .map(|_| ())
}
