//! Ends holds when their time comes.

use messaging::job::{Job, timer_command};
use schemas::{Message, ReleaseHoldV1, Service};
use sqlx::PgPool;
use types::{Micros, ids};

use crate::store::{self, DueHold};

/// Fires for every commission whose hold is over.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseHolds;

/// Released at once: one batch.
const CHUNK: i64 = 500;
/// A commission is on hold for so long at least, in microseconds: a hold may be over when it begins, since it counts from the attribution, and
/// what takes that back may be behind it in a stream that was not handled for days. So long is each from a raise of the log's epoch: a refund of
/// the lost time comes again behind it.
const MIN_HELD: i64 = 3_600 * 1_000_000;

impl Job for ReleaseHolds {
    const NAME: &'static str = "release_hold";

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let held_since = Micros(now.get().saturating_sub(MIN_HELD));
        let holds = store::due(pool, (now, held_since), passed, CHUNK).await?;
        Ok(holds.into_iter().map(|hold| command(hold, now)).collect())
    }
}

fn command(hold: DueHold, now: Micros) -> Message {
    let due_at = Micros(hold.hold_until);
    let id = ids::timer_command_id(&hold.id, ReleaseHolds::NAME, due_at);
    let mut message = timer_command(
        Service::Commission,
        "commission.release_hold.command.v1",
        id,
        hold.id,
        now,
        ReleaseHoldV1 { due_at },
    );
    // What the purchase began goes on; a purchase whose part of the log is archived begins anew.
    message.header.correlation_id = hold.correlation_id.unwrap_or(id);
    message.header.causation_id = hold.calculated_event;
    message
}
