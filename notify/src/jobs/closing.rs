//! Ends onboarding of applications to campaigns that were closed.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job, timer_command};
use schemas::{EndWorkflowV1, Message, Service};
use sqlx::PgPool;
use types::{Micros, WorkflowReason, ids};

use crate::store::closed_campaigns::{self, Ending};

/// Commands of one step: a campaign may have very many applications, and each ends by itself.
const MAX_ENDED: i64 = 100;

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
        Ok(ending.into_iter().map(|it| end(it, now)).collect())
    }
}

/// With the correlation of its application.
fn end(ending: Ending, now: Micros) -> Message {
    let closed = Micros(ending.closed_at);
    let id = ids::timer_command_id(&ending.workflow_id, EndClosed::NAME, closed);
    let kind = "notify.end_workflow.command.v1";
    let body = EndWorkflowV1 {
        reason: WorkflowReason::CampaignClosed.name().to_owned(),
    };
    let mut command = timer_command(Service::Notify, kind, id, ending.workflow_id, now, body);
    command.header.correlation_id = ending.correlation_id;
    command
}
