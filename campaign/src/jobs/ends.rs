//! Pauses campaigns when their end comes.

use messaging::job::Job;
use schemas::{Body, EndCampaignV1, Header, Message, Service};
use sqlx::PgPool;
use types::{Micros, ids};

use crate::store::campaigns::{self, Ended};

/// Fires for every active campaign whose end has come.
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
    Message {
        header: Header {
            id,
            kind: "campaign.end_campaign.command.v1".to_owned(),
            source: Service::Campaign.name().to_owned(),
            subject: campaign.id.clone(),
            key: campaign.id,
            time: now,
            epoch: None,
            sequence: None,
            correlation_id: id,
            causation_id: None,
            outcome_of: None,
            actor: None,
            traceparent: None,
        },
        body: Body::EndCampaignV1(EndCampaignV1 { due_at }),
    }
}
