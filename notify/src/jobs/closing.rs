//! Ends onboarding of applications to campaigns that were closed.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job};
use schemas::Message;
use sqlx::PgPool;
use types::{Micros, WorkflowReason};

use super::{MAX_ENDED, end_workflow};
use crate::store::closed_campaigns;

/// Ends them, a bounded number each time.
#[derive(Debug, Default)]
pub(crate) struct EndClosed;

impl Job for EndClosed {
    const NAME: &'static str = "closed_campaigns";
    const IDLE: Duration = BY_COMMIT;

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let ending = closed_campaigns::to_end(pool, passed, MAX_ENDED).await?;
        if ending.is_empty() && passed == 0 {
            closed_campaigns::forget(pool).await?;
        }
        let reason = WorkflowReason::CampaignClosed;
        let end = |it| end_workflow(it, Self::NAME, reason, now);
        Ok(ending.into_iter().map(end).collect())
    }
}
