//! Keeps what reports sum up.

use std::time::Duration;

use chassis::time::QUARTER_HOUR;
use messaging::job::{self, Job};
use messaging::{Lock, Lookups, WriteTx, Writer};
use schemas::Message;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;
use types::Micros;

use crate::store::report_sums;

/// Moves the horizon of the sums on, a stretch at a time.
#[derive(Debug)]
pub struct SumReports {
    writer: Writer,
    pace: Mutex<Pace>,
}

/// How it goes on.
#[derive(Debug)]
struct Pace {
    /// Microseconds of the next stretch.
    stretch: i64,
    /// The newest that there was when it was looked at last, and since when there is nothing newer.
    newest: i64,
    since: Instant,
    /// When the next is summed, unless nothing more has come.
    not_before: Instant,
}

/// Conversions of a stretch at most: while they are summed, projections wait.
const MAX_ROWS: i64 = 10_000;
/// The same while nothing more comes.
const MAX_ROWS_AT_REST: i64 = 20_000;
/// While more comes it rests so many times as long as it works.
const SHARE: u32 = 9;
/// Steps follow one another for so long.
const TURN: Duration = Duration::from_secs(1);
/// Microseconds: a stretch may be no shorter, however many there are in it, and no longer.
const MIN_STRETCH: i64 = 1_000;
const MAX_STRETCH: i64 = 100 * 366 * 96 * QUARTER_HOUR;
/// What was recorded less than so long before the newest is left while more comes: the stream of commissions follows that of
/// conversions at some distance.
const LAG_US: i64 = 10_000_000;
const LAG: Duration = Duration::from_micros(LAG_US.unsigned_abs());
/// So much has to have come, in microseconds, until the next is summed: what many conversions of a link change is written once.
const WORTH_IT: i64 = 5_000_000;

impl SumReports {
    /// By the writer of this process.
    pub fn new(writer: &Writer) -> Self {
        Self {
            writer: writer.clone().with(Lock::ReadModels),
            pace: Mutex::new(Pace {
                stretch: QUARTER_HOUR,
                newest: 0,
                since: Instant::now(),
                not_before: Instant::now(),
            }),
        }
    }

    /// Whether there may be more to be done at once.
    async fn step(&self, pool: &PgPool) -> Result<bool, sqlx::Error> {
        let (from, newest) = report_sums::horizon(pool).await?;
        let mut pace = self.pace.lock().await;
        let began = Instant::now();
        let is_at_rest = pace.newest == newest;
        if !is_at_rest {
            (pace.newest, pace.since) = (newest, began);
        }
        let is_settled = is_at_rest && pace.since.elapsed() >= LAG;
        let (limit, worth_it) = if is_settled {
            (newest + 1, 1)
        } else {
            (newest.saturating_sub(LAG_US), WORTH_IT)
        };
        if limit - from < worth_it || (!is_at_rest && began < pace.not_before) {
            return Ok(false);
        }
        let most = if is_at_rest {
            MAX_ROWS_AT_REST
        } else {
            MAX_ROWS
        };
        let mut is_halved = false;
        let to = loop {
            let to = from.saturating_add(pace.stretch).min(limit);
            let rows = report_sums::count(pool, from, to, most + 1).await?;
            if rows > most && pace.stretch > MIN_STRETCH {
                pace.stretch = ((to - from) / 2).max(MIN_STRETCH);
                is_halved = true;
                continue;
            }
            if rows < most / 4 && pace.stretch < MAX_STRETCH {
                pace.stretch = (pace.stretch * 2).min(MAX_STRETCH);
                // Nothing need be written for a time without anything, unless there is too much right behind it.
                if rows == 0 && to < limit && !is_halved {
                    continue;
                }
            }
            break to;
        };
        let mut tx = WriteTx::begin(pool, &self.writer, Lookups::default()).await?;
        if report_sums::advance(&mut tx, from, to).await? {
            tx.commit().await?;
        }
        pace.not_before = Instant::now() + began.elapsed() * SHARE;
        Ok(to < limit)
    }
}

impl Job for SumReports {
    const NAME: &'static str = "sum_reports";
    const IDLE: Duration = job::BY_COMMIT;

    async fn due(&self, pool: &PgPool, _: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        while self.step(pool).await? && began.elapsed() < TURN {}
        Ok(Vec::new())
    }
}
