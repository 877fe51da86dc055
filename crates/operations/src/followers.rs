//! Where a service's followers stand, asked from themselves, whichever transport they follow by.

use std::collections::BTreeMap;

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
    let mut passed = Vec::new();
    for (follower, Stands { epoch, at }) in ask_all(process, &epochs).await? {
        let (topic, partition) = (follower.topic, follower.partition);
        let sequence = at.sequence;
        let position = log::passed(pool, topic, partition, epoch, sequence).await;
        let position = position.map_err(text)?;
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

/// What its followers have of the log.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// Behind which position the log is not what they have: their watermarks tell what was appended since a restore.
    pub(crate) forked_behind: Option<i64>,
    /// Up to which position all of a stream's followers have it.
    pub(crate) streams: BTreeMap<(Topic, i32), i64>,
}

pub(crate) async fn handled(process: &Process) -> Result<Handled, String> {
    let text = |error: sqlx::Error| error.to_string();
    let pool = &process.bare_pool;
    let epochs = epoch::all(pool).await.map_err(text)?;
    let current = epoch::newest(&epochs);
    let mut handled = Handled::default();
    for (follower, Stands { epoch, at }) in ask_all(process, &epochs).await? {
        let (topic, partition) = (follower.topic, follower.partition);
        if epoch == current {
            let forked = fencing::fork(pool, topic, partition, current, at).await;
            let behind = forked.map_err(text)?.map(|position| position - 1);
            handled.forked_behind = handled.forked_behind.into_iter().chain(behind).min();
        }
        let position = log::position_of_sequence(pool, topic, partition, epoch, at.sequence).await;
        let position = position.map_err(text)?;
        let stream = handled.streams.entry((topic, partition));
        let first = stream.or_insert(position);
        *first = position.min(*first);
    }
    Ok(handled)
}
