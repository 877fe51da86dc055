//! Holds that are over, from the partial index of `commissions`.

use sqlx::{FromRow, PgPool};
use types::Micros;
use uuid::Uuid;

/// A hold that is over.
#[derive(Debug, FromRow)]
pub struct DueHold {
    /// The commission.
    pub id: String,
    /// When its hold ended, in microseconds.
    pub hold_until: i64,
    /// The event that made it; `None` once that part of the log is archived.
    pub calculated_event: Option<Uuid>,
    /// The purchase's original request; `None` like the event.
    pub correlation_id: Option<Uuid>,
}

/// The holds that are over by `now`, of commissions calculated by `held_since`, oldest first, behind the first `passed`. None while the log's
/// epoch was raised after that: what a restored service forgot of refunds is sent again behind the raise.
pub async fn due(
    pool: &PgPool,
    (now, held_since): (Micros, Micros),
    passed: i64,
    limit: i64,
) -> Result<Vec<DueHold>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.id, c.hold_until, l.id AS calculated_event, l.correlation_id
           FROM (SELECT id, hold_until, position FROM commissions
                  WHERE status = 'held' AND hold_until <= $1 AND calculated_at <= $4 AND (SELECT max(raised_at) FROM pipeline.epoch) <= $4
                  ORDER BY hold_until, id OFFSET $2 LIMIT $3) c
           LEFT JOIN pipeline.message_log l ON l.position = c.position
          ORDER BY c.hold_until, c.id",
    )
    .bind(now.0)
    .bind(passed)
    .bind(limit)
    .bind(held_since.0)
    .fetch_all(pool)
    .await
}
