//! `aside.calls`: when the provider is to be called next about a payout. A new event of the payout makes it due again.

use money::{Micros, Uuid};
use sqlx::{PgPool, Row};

use super::payouts::{self, Stored};

/// Payouts whose turn it is at most, at once.
const MOST_AT_ONCE: i64 = 64;

/// A payout that the provider is to be called about.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) stored: Stored,
    /// Encrypted; absent when it was erased.
    pub(crate) details: Option<Vec<u8>>,
    pub(crate) correlation_id: Option<Uuid>,
    pub(crate) traceparent: Option<String>,
}

/// Payouts that are due, oldest first; each is noted as tried and is due again later: after 250 ms, doubling up to a
/// minute. An unknown payout that is tried again and again starts the later the more attempts it had.
pub(crate) async fn take_due(pool: &PgPool, now: Micros) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query(
        "WITH due AS (
             SELECT p.id, p.last_event, CASE WHEN c.event = p.last_event THEN c.tries ELSE p.attempt END AS tries
               FROM payouts p LEFT JOIN aside.calls c ON c.payout = p.id
              WHERE p.status NOT IN ('paid', 'failed')
                AND $1 >= CASE
                    WHEN c.event = p.last_event THEN c.next_at
                    WHEN p.status = 'unknown' THEN p.updated_at + least(60000000, 250000 * (1 << least(p.attempt, 8)))
                    ELSE 0 END
              ORDER BY p.position LIMIT $2
         ), noted AS (
             INSERT INTO aside.calls (payout, event, tries, next_at)
             SELECT id, last_event, tries + 1, $1 + least(60000000, 250000 * (1 << least(tries, 8))) FROM due
             ON CONFLICT (payout) DO UPDATE
                SET event = excluded.event, tries = excluded.tries, next_at = excluded.next_at
         )
         SELECT p.*, d.details, d.correlation_id, d.traceparent
           FROM due JOIN payouts p USING (id) LEFT JOIN aside.payout_details d ON d.payout = p.id
          ORDER BY p.position",
    )
    .bind(now.get())
    .bind(MOST_AT_ONCE)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                stored: payouts::read(row)?,
                details: row.try_get("details")?,
                correlation_id: row.try_get("correlation_id")?,
                traceparent: row.try_get("traceparent")?,
            })
        })
        .collect()
}
