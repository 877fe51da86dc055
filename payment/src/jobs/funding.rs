//! Has brands' funds cover what waits for them.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job, timer_command};
use schemas::{FundEarningsV1, Message, Service};
use sqlx::PgPool;
use types::{Micros, ids};

use crate::store::billing::{self, Covered};

/// Fires for every brand whose funds cover the first commission that waits for them.
#[derive(Debug, Clone, Copy)]
pub struct FundEarnings;

/// What it commands.
const KIND: &str = "payment.fund_earnings.command.v1";
/// Brands at once: one batch.
const CHUNK: i64 = 100;

impl Job for FundEarnings {
    const NAME: &'static str = "fund_earnings";
    const IDLE: Duration = BY_COMMIT;

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let covered = billing::covered(pool, KIND, passed, CHUNK).await?;
        Ok(covered
            .into_iter()
            .map(|brand| command(brand, now))
            .collect())
    }
}

/// Once anything has changed that it depends on, it is another command: one that came too early is not the last.
fn command(covered: Covered, now: Micros) -> Message {
    let of = format!("{}/{}", covered.brand, covered.currency);
    let id = ids::timer_command_id(&of, FundEarnings::NAME, Micros(covered.since));
    let fund = FundEarningsV1 {
        currency: covered.currency,
    };
    timer_command(Service::Payment, KIND, id, covered.brand, now, fund)
}
