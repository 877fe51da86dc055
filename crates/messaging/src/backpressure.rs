//! Backpressure: while a backlog of commands is worked off, those who follow what comes of it are asked how far they are. A backlog that runs ahead
//! of its followers is no sooner in the ledger, but everything else that follows from the same streams waits behind it there.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::epoch;
use crate::log;
use crate::queue::{BATCH_MESSAGES, Queue};
use crate::transport::http::HttpTransport;

/// What the followers are asked is asked again after so long.
const ASK_AFTER: Duration = Duration::from_millis(100);
/// Who does not answer by then is not waited for.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);
/// Nor is who has not moved for so long: it may be stopped, and a backlog does not wait until somebody mends it.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// A stream that the service publishes, and one who follows it.
pub struct Follower {
    service: Service,
    stream: (Topic, i32),
    transport: HttpTransport,
    found: Found,
}

/// After which message a follower was found, and when it was there first.
#[derive(Default)]
struct Found(Option<(i64, Instant)>);

impl Found {
    /// Whether it is more than a full batch behind the end of its stream, and moves.
    fn is_behind(&mut self, sequence: i64, end: i64, now: Instant) -> bool {
        let since = match self.0 {
            Some((before, since)) if before == sequence => since,
            _ => now,
        };
        self.0 = Some((sequence, since));
        let is_behind = usize::try_from(end - sequence).is_ok_and(|many| many > BATCH_MESSAGES);
        is_behind && now - since < STUCK_AFTER
    }
}

impl Follower {
    /// One who is asked by this transport.
    pub fn new(service: Service, stream: (Topic, i32), transport: HttpTransport) -> Self {
        Self {
            service,
            stream,
            transport,
            found: Found::default(),
        }
    }

    /// Asks it whether it is behind.
    async fn is_behind(&mut self, epoch: i64, end: i64) -> bool {
        let answer = timeout(ANSWER_WITHIN, self.transport.watermark(epoch)).await;
        let Ok(Ok(stands)) = answer else {
            return false;
        };
        let is_behind = self.found.is_behind(stands.sequence, end, Instant::now());
        if is_behind {
            let name = self.service.name();
            metrics::counter!("tributary_follower_behind_total", "follower" => name).increment(1);
        }
        is_behind
    }
}

/// Lets a backlog of commands rest at times while a follower is behind, until it is stopped. What cannot be found out holds nothing up.
pub async fn run(
    queue: Queue,
    pool: PgPool,
    mut followers: Vec<Follower>,
    stop: CancellationToken,
) {
    let looking = async {
        loop {
            queue.backlog().await;
            let are_behind = are_behind(&pool, &mut followers).await;
            queue.followers_are_behind(are_behind.unwrap_or(false));
            sleep(ASK_AFTER).await;
        }
    };
    stop.run_until_cancelled(looking).await;
}

async fn are_behind(pool: &PgPool, followers: &mut [Follower]) -> Result<bool, sqlx::Error> {
    let epoch = epoch::newest(&epoch::all(pool).await?);
    let mut ends = HashMap::new();
    for Follower { stream, .. } in followers.iter() {
        if !ends.contains_key(stream) {
            let end = log::last_sequence(pool, stream.0, stream.1).await?;
            ends.insert(*stream, end);
        }
    }
    let end = |follower: &Follower| ends.get(&follower.stream).copied().unwrap_or(0);
    let each = followers.iter_mut();
    let each = each.map(|follower| {
        let end = end(follower);
        follower.is_behind(epoch, end)
    });
    Ok(join_all(each).await.contains(&true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_is_waited_for_while_it_is_behind_and_moves() {
        let (began, half) = (Instant::now(), STUCK_AFTER / 2);
        let mut found = Found::default();
        assert!(found.is_behind(1_000, 9_000, began));
        assert!(found.is_behind(1_000, 9_500, began + half));
        assert!(
            !found.is_behind(1_000, 9_900, began + 2 * half),
            "it is stuck"
        );
        assert!(found.is_behind(1_001, 9_900, began + 3 * half), "it moves");
        assert!(
            !found.is_behind(9_000, 9_900, began + 4 * half),
            "it is near"
        );
        assert!(!Found::default().is_behind(5, 5, began));
    }
}
