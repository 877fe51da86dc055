//! How a process makes its service's tables again when an operator asks for it.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use messaging::transport::Peers;
use messaging::{Backoff, DynDomain, Lock, Tasks, Writer};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ReplayError;
use super::feed::{Feed, OwnLog};
use super::followed::Followed;
use super::job::{Order, Report, run};
use super::jobs::{self, Orders};
use super::rebuild::Rebuild;

/// How an end is noted again that could not be.
const NOTED_AGAIN: Range<Duration> = Duration::from_millis(200)..Duration::from_secs(5);

/// The way to the worker, and which fold it knows.
pub struct Replays {
    pub(crate) orders: Orders,
    /// Of this build.
    pub(crate) fold_version: i32,
}

impl Replays {
    /// Starts the worker. A domain folds its own log, a read model those that it follows.
    pub fn start(
        domain: &Arc<dyn DynDomain>,
        pool: &PgPool,
        writer: &Writer,
        peers: &Peers,
        tasks: &Tasks,
    ) -> Result<Self, reqwest::Error> {
        let feed = if domain.lock() == Lock::ReadModels {
            let senders = Peers {
                client: Peers::client().build()?,
                ..peers.clone()
            };
            Feed::Followed(Followed::new(senders, pool.clone()))
        } else {
            Feed::Own(OwnLog::new(pool.clone(), writer.schema_ids.clone()))
        };
        Ok(Self {
            orders: start_worker(
                tasks,
                Arc::clone(domain),
                pool.clone(),
                writer.clone(),
                feed,
            ),
            fold_version: domain.tables().fold_version,
        })
    }
}

/// `feed` is at its beginning.
fn start_worker(
    tasks: &Tasks,
    domain: Arc<dyn DynDomain>,
    live: PgPool,
    writer: Writer,
    feed: Feed,
) -> Orders {
    let (sender, mut receiver) = mpsc::channel::<Order>(1);
    let orders = Orders {
        pool: live.clone(),
        sender,
    };
    let stop = tasks.stop().clone();
    tasks.spawn("replay", async move {
        loop {
            let order = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                order = receiver.recv() => match order { Some(order) => order, None => return },
            };
            let (domain, writer, feed) = (Arc::clone(&domain), writer.clone(), feed.clone());
            let mut rebuild = Rebuild::new(domain, live.clone(), writer, feed, stop.clone());
            let running = AssertUnwindSafe(run(&mut rebuild, &order)).catch_unwind();
            let ran = running.await;
            let ran = ran.unwrap_or_else(|_| Err(ReplayError::Panicked));
            conclude(&live, &order, ran, &stop).await;
            // A job that has not ended and holds nothing counts as one whose process is gone.
            rebuild.release().await;
        }
    });
    orders
}

/// Notes how a replay ended, until that is noted or the process stops.
async fn conclude(
    pool: &PgPool,
    order: &Order,
    ran: Result<Report, ReplayError>,
    stop: &CancellationToken,
) {
    let (report, error) = match ran {
        Ok(report) => {
            tracing::info!(
                kind = order.kind.name(),
                different = report.different,
                events = report.events,
                milliseconds = report.milliseconds,
                "a replay has ended"
            );
            let text = serde_json::to_string(&report).unwrap_or_default();
            (Some(text), None)
        }
        Err(error) => {
            tracing::warn!(%error, kind = order.kind.name(), "a replay failed");
            (None, Some(error.to_string()))
        }
    };
    let mut backoff = Backoff::new(NOTED_AGAIN.start, NOTED_AGAIN.end);
    loop {
        let noting = jobs::end(pool, order.id, report.as_deref(), error.as_deref());
        let Err(failed) = messaging::answered(noting).await else {
            return;
        };
        tracing::warn!(error = %failed, "how a replay ended cannot be noted now");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(backoff.wait()) => {}
        }
    }
}
