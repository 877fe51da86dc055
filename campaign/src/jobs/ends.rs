//! Pauses campaigns when their end comes.

use messaging::job::{Job, timer_command};
use schemas::{EndCampaignV1, Message, Service};
use sqlx::PgPool;
use types::{Micros, ids};

use crate::store::campaigns::{self, Ended};

/// Fires for every campaign whose end has come, unless it is paused for another reason than its brand's funds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndCampaigns;

/// Ended at once: one batch.
const CHUNK: i64 = 500;

impl Job for EndCampaigns {
    const NAME: &'static str = "end_campaign";

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let ended = campaigns::ended(pool, now, passed, CHUNK).await?;
        let commands = ended.into_iter().map(|campaign| command(campaign, now));
        Ok(commands.collect())
    }
}

/// An end that was moved is another command.
fn command(campaign: Ended, now: Micros) -> Message {
    let due_at = Micros(campaign.ends_at);
    let id = ids::timer_command_id(&campaign.id, EndCampaigns::NAME, due_at);
    timer_command(
        Service::Campaign,
        "campaign.end_campaign.command.v1",
        id,
        campaign.id,
        now,
        EndCampaignV1 { due_at },
    )
}
