//! `aside.calls`: when the provider is to be called next about a payout. A new event of the payout makes it due again.

use sqlx::{PgPool, Row};
use types::Uuid;

use super::payouts::{self, Stored, is_under_way};

/// A payout that the provider is to be called about.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) stored: Stored,
    /// Encrypted; absent when it was erased.
    pub(crate) details: Option<Vec<u8>>,
    /// What with, where it is known.
    pub(crate) data_key: Option<Vec<u8>>,
    pub(crate) correlation_id: Option<Uuid>,
    pub(crate) traceparent: Option<String>,
    /// Whether payouts were paused when it was read.
    pub(crate) paused: bool,
    /// Whether it was taken before since its last event.
    pub(crate) taken_before: bool,
    /// So many microseconds ago it was handed over first, by the earliest that the clock has shown since; absent where it was not.
    pub(crate) handed_for: Option<i64>,
}

/// How long after so many tries the next one is, in microseconds: from 250 ms, doubling up to a minute.
macro_rules! pause {
    ($tries:literal) => {
        concat!("least(60000000, 250000 * (1 << least(", $tries, ", 8)))")
    };
}

/// At most `room` payouts that are due and not `held`: first those with a new event, then those that are due the longest,
/// so that none that fails again and again is in the way of others. Each is noted as tried and is due again later: after
/// 250 ms, doubling up to a minute. An unknown payout that is tried again starts the later the more attempts it had, counted from when the
/// last one had ended. While payouts are paused, those that the provider cannot have are not due.
///
/// Who takes one that another process takes at the same moment gets it not.
///
/// That goes by the clock, also while it is behind the log: time stands still there, and the provider forgets. What is due later than it could
/// be is of a clock that was ahead. When a payout was handed over is kept as the earliest that the clock has shown since: while one of the two is
/// ahead, the time of the event is later than that.
pub(crate) async fn take_due(
    pool: &PgPool,
    held: &[String],
    room: usize,
) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query(
        concat!(
            "WITH clock AS (
             SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset AS now FROM pipeline.log_head
         ), under_way AS (
             SELECT p.id, p.position, p.attempt, p.last_event, coalesce(c.event = p.last_event, false) AS taken_before,
                    CASE WHEN c.event = p.last_event THEN c.tries ELSE p.attempt END AS tries,
                    CASE
                    WHEN c.event = p.last_event THEN c.next_at
                    WHEN p.status = 'unknown' THEN coalesce(greatest(c.next_at, CASE WHEN p.updated_at <= now THEN p.updated_at + ",
            pause!("p.attempt"),
            " END), 0)
                    ELSE 0 END AS due_at
               FROM payouts p LEFT JOIN aside.calls c ON c.payout = p.id
              CROSS JOIN clock
              WHERE ",
            is_under_way!(),
            " AND p.id <> ALL($1)
                AND NOT (p.status = 'requested' AND (SELECT paused FROM aside.payout_switch))
         ), due AS (
             SELECT under_way.* FROM under_way, clock WHERE due_at NOT BETWEEN now + 1 AND now + 60000000 ORDER BY due_at, position LIMIT $2
         ), noted AS (
             INSERT INTO aside.calls (payout, event, tries, next_at, handed_at)
             SELECT id, last_event, tries + 1, now + ",
            pause!("tries"),
            ", CASE WHEN attempt > 0 THEN now END FROM due, clock
             ON CONFLICT (payout) DO UPDATE
                SET event = excluded.event, tries = excluded.tries, next_at = excluded.next_at,
                    handed_at = least(calls.handed_at, excluded.handed_at)
              WHERE calls.event <> excluded.event OR calls.tries < excluded.tries
             RETURNING payout, handed_at
         )
         SELECT p.*, d.details, d.data_key, d.correlation_id, d.traceparent, due.taken_before,
                (SELECT now FROM clock) - noted.handed_at AS handed_for,
                (SELECT paused FROM aside.payout_switch) AS paused
           FROM due JOIN noted ON noted.payout = due.id JOIN payouts p ON p.id = due.id LEFT JOIN aside.payout_details d ON d.payout = p.id
          ORDER BY p.position"
        ),
    )
    .bind(held)
    .bind(i64::try_from(room).unwrap_or_default())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                stored: payouts::read(row)?,
                details: row.try_get("details")?,
                data_key: row.try_get("data_key")?,
                correlation_id: row.try_get("correlation_id")?,
                traceparent: row.try_get("traceparent")?,
                paused: row.try_get("paused")?,
                taken_before: row.try_get("taken_before")?,
                handed_for: row.try_get("handed_for")?,
            })
        })
        .collect()
}
