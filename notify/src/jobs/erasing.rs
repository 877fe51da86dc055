//! Takes away what is left of partners that were erased.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job};
use schemas::Message;
use sqlx::PgPool;
use tokio::time::Instant;
use types::{Micros, WorkflowReason};

use super::{MAX_ENDED, STEP, end_workflow};
use crate::store::erased;

/// Goes on with them a step at a time, beside the writer lock, since there may be very much of one.
#[derive(Debug, Default)]
pub(crate) struct EraseRest;

impl Job for EraseRest {
    const NAME: &'static str = "erased_partners";
    const IDLE: Duration = BY_COMMIT;

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        if !erased::any(pool).await? {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        let mut after = Some(String::new());
        while let Some(known) = after
            && began.elapsed() < STEP
        {
            after = step(pool, known).await?;
        }
        let ending = erased::workflows(pool, passed, MAX_ENDED).await?;
        let reason = WorkflowReason::PartnerErased;
        let end = |it| end_workflow(it, Self::NAME, reason, now);
        Ok(ending.into_iter().map(end).collect())
    }
}

/// Goes on with one behind this one. Returns behind whom there may be more: whoever has workflows that are still to end is left where it is.
async fn step(pool: &PgPool, after: String) -> Result<Option<String>, sqlx::Error> {
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    let Some(partner) = erased::next(&mut tx, &after).await? else {
        return Ok(None);
    };
    let partners = [&*partner];
    let more = erased::step(&mut tx, &partners).await?;
    let waits = !more && erased::have_workflows(&mut tx, &partners).await?;
    if !more && !waits {
        erased::done(&mut tx, &partner).await?;
    }
    tx.commit().await?;
    Ok(Some(if waits { partner } else { after }))
}
