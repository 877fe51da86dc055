//! States what waits for brands' funds, once the database has gone back to a backup.

use std::time::Duration;

use chassis::time::Day;
use messaging::epoch::{self, Epoch};
use messaging::job::{Job, timer_command};
use schemas::{Message, Service, StateFundsV1};
use sqlx::PgPool;
use tokio::sync::Mutex;
use types::{BrandId, Currency, Micros, ids};

use crate::store::balances;

/// Fires for every brand that has an account, once after each raise of the epoch: who follows brands' funds has been told when they turned, and
/// that may have been in what the backup did not have. Walks through all of them each day of the week after the raise, since a brand may be among
/// what is handled again; of whom it was stated is known by the command's id.
#[derive(Debug, Default)]
pub struct StateFunds {
    walk: Mutex<Walk>,
}

/// How far it is.
#[derive(Debug, Default)]
struct Walk {
    /// When it is looked again whether there is one to go on.
    next_look: Micros,
    /// The day of it, and the epoch that was raised; `None`: there is nothing to state.
    of: Option<(Day, i64)>,
    /// The last that has ended.
    ended: Option<(Day, i64)>,
    /// The last brand that was looked at.
    after: Option<(BrandId, Currency)>,
}

/// Brands at once: one batch.
const CHUNK: i64 = 500;
/// So often, while there is nothing to state.
const LOOK_SECONDS: i64 = 60;
/// For so long after a raise.
const SECONDS: i64 = 7 * 86_400;
/// What it commands.
const KIND: &str = "payment.state_funds.command.v1";

impl Job for StateFunds {
    const NAME: &'static str = "state_funds";
    const IDLE: Duration = Duration::from_secs(10);

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut walk = self.walk.lock().await;
        if walk.of.is_none() && now >= walk.next_look {
            walk.next_look = now.checked_add_seconds(LOOK_SECONDS).unwrap_or(now);
            let raised = raised(&epoch::all(pool).await?, now);
            let of = raised.map(|raised| (Day::of(now), raised));
            walk.of = of.filter(|_| of != walk.ended);
        }
        let Some((_, raised)) = walk.of else {
            return Ok(Vec::new());
        };
        let brands = balances::of_brands(pool, walk.after.as_ref(), CHUNK).await?;
        walk.after = brands.last().cloned();
        if walk.after.is_none() {
            walk.ended = walk.of.take();
        }
        let commands = brands.into_iter();
        Ok(commands.map(|it| command(it, raised, now)).collect())
    }
}

/// The epoch that was raised in the last days. Its number is given once, also when the same backup is restored twice.
fn raised(epochs: &[Epoch], now: Micros) -> Option<i64> {
    let newest = epochs.last().filter(|it| it.epoch > 1)?;
    let until = Micros(newest.raised_at).checked_add_seconds(SECONDS)?;
    (now < until).then_some(newest.epoch)
}

fn command((brand, currency): (BrandId, Currency), raised: i64, now: Micros) -> Message {
    let of = format!("{brand}/{currency}");
    let id = ids::timer_command_id(&of, StateFunds::NAME, Micros(raised));
    let state = StateFundsV1 {
        currency: currency.code().to_owned(),
    };
    timer_command(Service::Payment, KIND, id, brand.into_string(), now, state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_stated_in_the_week_after_the_last_raise_and_never_of_the_first_epoch() {
        let epoch = |epoch, after_position, raised_at| Epoch {
            epoch,
            after_position,
            raised_at,
        };
        let (first, second, third) = (epoch(1, 0, 0), epoch(2, 70, 1_000), epoch(3, 90, 2_000));
        let week = Micros(SECONDS * 1_000_000);
        assert_eq!(raised(std::slice::from_ref(&first), Micros(1)), None);
        let twice = [first, second, third];
        assert_eq!(raised(&twice[..2], Micros(1_001)), Some(2));
        assert_eq!(raised(&twice, Micros(2_001)), Some(3));
        assert_eq!(raised(&twice, Micros(week.get() + 1_999)), Some(3));
        assert_eq!(raised(&twice, Micros(week.get() + 2_000)), None);
    }
}
