//! Where a service's followers stand, asked from themselves, whichever transport they follow by.

use messaging::Watermark;
use messaging::epoch::{self, Epoch};
use messaging::log;
use messaging::transport::http::HttpTransport;
use schemas::{Service, Topic};

use crate::archive::Held;
use crate::fencing;
use crate::process::Process;

/// A stream that the service publishes, and one of its followers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follower {
    pub(crate) service: Service,
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
}

/// Where a follower stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stands {
    /// The newest epoch of which it has handled anything, or the oldest.
    pub(crate) epoch: i64,
    pub(crate) at: Watermark,
}

/// Everybody who follows a stream of this service.
pub(crate) fn all(process: &Process) -> impl Iterator<Item = Follower> {
    let each = messaging::followers(process.service(), process.writer.partitions);
    each.map(|(service, (topic, partition))| Follower {
        service,
        topic,
        partition,
    })
}

/// Asks a follower where it stands, under which of these epochs.
pub(crate) async fn ask(
    process: &Process,
    follower: Follower,
    epochs: &[Epoch],
) -> Result<Stands, String> {
    let transport = HttpTransport::new(
        &process.peers,
        follower.service,
        (follower.topic, follower.partition),
        process.modes.clone(),
        process.health.clone(),
    );
    let mut stands = Stands {
        epoch: 1,
        at: Watermark::default(),
    };
    for Epoch { epoch, .. } in epochs.iter().rev() {
        let watermark = transport.watermark(*epoch).await;
        let at = watermark.map_err(|error| error.to_string())?;
        stands = Stands { epoch: *epoch, at };
        if at.sequence > 0 {
            break;
        }
    }
    Ok(stands)
}

async fn ask_all(process: &Process, epochs: &[Epoch]) -> Result<Vec<(Follower, Stands)>, String> {
    let mut each = Vec::new();
    for follower in all(process) {
        let stands = ask(process, follower, epochs).await.map_err(|error| {
            let name = follower.service.name();
            format!("{name} does not say where it stands: {error}")
        })?;
        each.push((follower, stands));
    }
    Ok(each)
}

/// Up to which position each follower has passed the log.
pub(crate) async fn passed(process: &Process) -> Result<Vec<Held>, String> {
    let text = |error: sqlx::Error| error.to_string();
    let pool = &process.pool;
    let epochs = epoch::all(pool).await.map_err(text)?;
    let current = epoch::newest(&epochs);
    let mut passed = Vec::new();
    for (follower, stands) in ask_all(process, &epochs).await? {
        let (topic, partition) = (follower.topic, follower.partition);
        // In this order, so that what is appended meanwhile counts as not passed.
        let head = log::head(pool).await.map_err(text)?;
        let last = log::last_sequence(pool, topic, partition)
            .await
            .map_err(text)?;
        let sequence = stands.at.sequence;
        let position = if stands.epoch == current && sequence >= last {
            head
        } else {
            log::position_of_sequence(pool, topic, partition, stands.epoch, sequence)
                .await
                .map_err(text)?
        };
        passed.push(Held {
            by: format!(
                "{} at message {sequence} of {}/{partition}",
                follower.service.name(),
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
    let current = epoch::newest(&epochs);
    let mut first: Option<i64> = None;
    for (follower, stands) in ask_all(process, &epochs).await? {
        if stands.epoch != current {
            continue;
        }
        let (topic, partition) = (follower.topic, follower.partition);
        let forked = fencing::fork(pool, topic, partition, current, stands.at)
            .await
            .map_err(text)?;
        first = first.into_iter().chain(forked).min();
    }
    Ok(first.map(|position| position - 1))
}
