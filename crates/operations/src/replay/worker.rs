//! How a process makes its service's tables again when an operator asks for it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use messaging::transport::Peers;
use messaging::{DynDomain, Lock, Tasks, Writer};
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::ReplayError;
use super::feed::{Feed, OwnLog};
use super::followed::Followed;
use super::job::{Order, Report, run};
use super::jobs::{self, Orders};
use super::rebuild::Rebuild;

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
            let rebuild = Rebuild::new(domain, live.clone(), writer, feed, stop.clone());
            let ran = AssertUnwindSafe(run(rebuild, &order)).catch_unwind().await;
            let ran = ran.unwrap_or_else(|_| Err(ReplayError::Panicked));
            if let Err(error) = conclude(&live, &order, ran).await {
                tracing::warn!(%error, "how a replay ended could not be noted");
            }
        }
    });
    orders
}

async fn conclude(
    pool: &PgPool,
    order: &Order,
    ran: Result<Report, ReplayError>,
) -> Result<(), sqlx::Error> {
    match ran {
        Ok(report) => {
            tracing::info!(
                kind = order.kind.name(),
                different = report.different,
                events = report.events,
                milliseconds = report.milliseconds,
                "a replay has ended"
            );
            let text = serde_json::to_string(&report).unwrap_or_default();
            jobs::end(pool, order.id, Some(&text), None).await
        }
        Err(error) => {
            tracing::warn!(%error, kind = order.kind.name(), "a replay failed");
            jobs::end(pool, order.id, None, Some(&error.to_string())).await
        }
    }
}
