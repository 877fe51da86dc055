//! Pauses campaigns while their brand is out of funds, and has them go on when it is not.

use std::time::Duration;

use messaging::job::{BY_COMMIT, Job, timer_command};
use schemas::{FollowFundsV1, Message, Service};
use sqlx::PgPool;
use types::{Micros, ids};

use crate::store::brand_funds::{self, Behind};

/// Fires for every campaign that stands otherwise than its brand's funds have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FollowFunds;

/// Campaigns at once: one batch.
const CHUNK: i64 = 500;

impl Job for FollowFunds {
    const NAME: &'static str = "follow_funds";
    const IDLE: Duration = BY_COMMIT;

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let behind = brand_funds::behind(pool, now, passed, CHUNK).await?;
        let commands = behind.into_iter().map(|campaign| command(campaign, now));
        Ok(commands.collect())
    }
}

/// Funds that change again are another command, and so is an end that was moved: one that came too late is not the last.
fn command(campaign: Behind, now: Micros) -> Message {
    let of = match campaign.ends_at {
        Some(end) => format!("{}/{end}", campaign.id),
        None => campaign.id.clone(),
    };
    let id = ids::timer_command_id(&of, FollowFunds::NAME, Micros(campaign.since));
    timer_command(
        Service::Campaign,
        "campaign.follow_funds.command.v1",
        id,
        campaign.id,
        now,
        FollowFundsV1 {},
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn funds_that_change_again_and_an_end_that_was_moved_are_other_commands() {
        let id = |since, ends_at| {
            let behind = Behind {
                id: "camp1".to_owned(),
                since,
                ends_at,
            };
            command(behind, Micros(9)).header.id
        };
        let first = id(1, Some(7));
        assert_eq!(id(1, Some(7)), first);
        for other in [id(2, Some(7)), id(1, Some(8)), id(1, None)] {
            assert_ne!(other, first);
        }
    }
}
