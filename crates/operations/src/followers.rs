//! Where a service's followers stand, asked from themselves, whichever transport they follow by.

use messaging::Watermark;
use messaging::epoch::{self, Epoch};
use messaging::log;
use messaging::transport::http::HttpTransport;
use schemas::Topic;

use crate::archive::Held;
use crate::fencing;
use crate::process::Process;

/// One follower of one stream.
struct Follower {
    name: &'static str,
    topic: Topic,
    partition: i32,
    /// The newest epoch of which it has handled anything, or the oldest.
    epoch: i64,
    at: Watermark,
}

async fn ask(process: &Process, epochs: &[Epoch]) -> Result<Vec<Follower>, String> {
    let mut followers = Vec::new();
    for topic in process.service().published_topics() {
        for partition in 0..i32::try_from(process.writer.partitions).unwrap_or(1) {
            for follower in topic.followers() {
                let transport = HttpTransport::new(
                    &process.peers,
                    follower,
                    (topic, partition),
                    process.modes.clone(),
                    process.health.clone(),
                );
                let name = follower.name();
                let mut stands = (1, Watermark::default());
                for Epoch { epoch, .. } in epochs.iter().rev() {
                    let watermark = transport.watermark(*epoch).await;
                    let at = watermark
                        .map_err(|error| format!("{name} does not say where it stands: {error}"))?;
                    stands = (*epoch, at);
                    if at.sequence > 0 {
                        break;
                    }
                }
                followers.push(Follower {
                    name,
                    topic,
                    partition,
                    epoch: stands.0,
                    at: stands.1,
                });
            }
        }
    }
    Ok(followers)
}

/// Up to which position each follower has passed the log.
pub(crate) async fn passed(process: &Process) -> Result<Vec<Held>, String> {
    let text = |error: sqlx::Error| error.to_string();
    let pool = &process.pool;
    let epochs = epoch::all(pool).await.map_err(text)?;
    let current = epochs.last().map_or(1, |epoch| epoch.epoch);
    let mut passed = Vec::new();
    for follower in ask(process, &epochs).await? {
        let (topic, partition) = (follower.topic, follower.partition);
        // In this order, so that what is appended meanwhile counts as not passed.
        let head = log::head(pool).await.map_err(text)?;
        let last = log::last_sequence(pool, topic, partition)
            .await
            .map_err(text)?;
        let sequence = follower.at.sequence;
        let position = if follower.epoch == current && sequence >= last {
            head
        } else {
            log::position_of_sequence(pool, topic, partition, follower.epoch, sequence)
                .await
                .map_err(text)?
        };
        passed.push(Held {
            by: format!(
                "{} at message {sequence} of {}/{partition}",
                follower.name,
                topic.name()
            ),
            position,
        });
    }
    Ok(passed)
}

/// Behind which position the log is not what its followers have: their watermarks tell what was appended since a restore.
pub(crate) async fn forked_behind(process: &Process) -> Result<Option<i64>, String> {
    let text = |error: sqlx::Error| error.to_string();
    let pool = &process.bare_pool;
    let epochs = epoch::all(pool).await.map_err(text)?;
    let current = epochs.last().map_or(1, |epoch| epoch.epoch);
    let mut first: Option<i64> = None;
    for follower in ask(process, &epochs).await? {
        if follower.epoch != current {
            continue;
        }
        let (topic, partition) = (follower.topic, follower.partition);
        let forked = fencing::fork(pool, topic, partition, current, follower.at)
            .await
            .map_err(text)?;
        first = first.into_iter().chain(forked).min();
    }
    Ok(first.map(|position| position - 1))
}
