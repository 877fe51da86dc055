//! Keeps how often links were followed.

use std::time::Duration;

use messaging::job::Job;
use schemas::Message;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;
use types::Micros;

use crate::store::click_sums::{self, Look};

/// Moves the horizon of the sums on, a stretch at a time.
#[derive(Debug, Default)]
pub(crate) struct SumClicks {
    pace: Mutex<Pace>,
}

#[derive(Debug, Default)]
struct Pace {
    /// What there was when it looked last.
    last: Option<Look>,
    not_before: Option<Instant>,
}

/// Clicks that are summed at once.
const CLICKS: i64 = 20_000;
/// While there is more it rests so many times as long as it works.
const SHARE: u32 = 4;
/// So often it looks otherwise.
const EVERY: Duration = Duration::from_secs(5);
/// Microseconds: a clock that is set back by less breaks nothing.
const LAG: i64 = 10_000_000;

/// Up to where all clicks are there to be read: what came before the last look is, once nothing is under way that began before it.
fn whole(last: Option<Look>, now: Look) -> Option<i64> {
    let last = last?;
    let is_done = now.oldest.is_none_or(|oldest| oldest > last.looked_at);
    let is_others_done = !now.others || now.first_under_way >= last.next_id;
    (is_done && is_others_done).then_some(last.now - LAG)
}

impl Job for SumClicks {
    const NAME: &'static str = "sum_clicks";

    async fn due(&self, pool: &PgPool, _: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut pace = self.pace.lock().await;
        let began = Instant::now();
        if pace.not_before.is_some_and(|at| began < at) {
            return Ok(Vec::new());
        }
        pace.not_before = Some(began + EVERY);
        let now = click_sums::look(pool).await?;
        let limit = whole(pace.last, now);
        if pace.last.is_none() || limit.is_some() {
            pace.last = Some(now);
        }
        let Some(limit) = limit else {
            return Ok(Vec::new());
        };
        let (clicks, to) = click_sums::next(pool, now.summed_to, limit, CLICKS).await?;
        if let Some(to) = to {
            click_sums::advance(pool, now.summed_to, to).await?;
        }
        if clicks == CLICKS {
            pace.not_before = Some(Instant::now() + began.elapsed() * SHARE);
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_000_000_000;

    fn look(looked_at: i64, oldest: Option<i64>) -> Look {
        Look {
            summed_to: 0,
            now: looked_at,
            looked_at,
            oldest,
            others: false,
            first_under_way: 1,
            next_id: 7,
        }
    }

    #[test]
    fn a_click_that_is_being_written_since_before_the_last_look_is_waited_for() {
        let last = Some(look(AT, None));
        assert_eq!(
            whole(None, look(AT, None)),
            None,
            "there was no look before"
        );
        assert_eq!(whole(last, look(AT + 5, Some(AT - 1))), None);
        assert_eq!(whole(last, look(AT + 5, Some(AT))), None);
        assert_eq!(whole(last, look(AT + 5, Some(AT + 1))), Some(AT - LAG));
        assert_eq!(whole(last, look(AT + 5, None)), Some(AT - LAG));
    }

    #[test]
    fn whatever_another_role_writes_since_before_the_last_look_is_waited_for() {
        let last = Some(look(AT, None));
        let beside = |first_under_way| Look {
            others: true,
            first_under_way,
            ..look(AT + 5, None)
        };
        assert_eq!(whole(last, beside(6)), None);
        assert_eq!(whole(last, beside(7)), Some(AT - LAG));
    }
}
