//! The public edge: open in every mode, without a token.

mod bots;
mod cache;
mod redirect;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use messaging::group::Group;
use runtime::Host;
use sqlx::PgPool;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use types::ClickId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store;
use crate::store::clicks::{ClickWriter, NewClick};
use cache::LinkCache;

/// Clicks that are committed together at most, and how long one waits for others under load: about as long as a commit takes, since a
/// visitor waits for both.
const GROUP: usize = 500;
const PACE: Duration = Duration::from_millis(2);

/// How often the next day's partition is looked after.
const UPKEEP: Duration = Duration::from_hours(1);

/// How often every process looks whether links were stopped or changed: with the time until tracking knows, it is less than a
/// second until a link leads where it leads from now on.
const STOPS: Duration = Duration::from_millis(400);

/// What redirects share.
#[derive(Clone)]
pub(crate) struct Edge {
    pool: PgPool,
    links: Arc<LinkCache>,
    clicks: Group<NewClick, ClickId>,
    /// A visitor does not wait longer for a database that hangs; one that is gone says so at once.
    patience: Duration,
}

/// The routes that are open in every mode.
pub(crate) fn routes(host: &Host, patience: Duration) -> OpenApiRouter {
    let pool = host.pool().clone();
    let writer = ClickWriter { pool: pool.clone() };
    let upkeep = keep_partitions(writer.clone(), host.tasks().stop().clone());
    host.tasks().spawn("click partitions", upkeep);
    let links = Arc::<LinkCache>::default();
    let stops = follow_stops(pool.clone(), links.clone(), host.tasks().stop().clone());
    host.tasks().spawn("stopped links", stops);
    let edge = Edge {
        pool,
        links,
        clicks: Group::start(host.tasks(), "clicks", GROUP, PACE, writer),
        patience,
    };
    OpenApiRouter::new()
        .routes(routes!(redirect::follow_link))
        .route("/c/{code}/{*path}", get(redirect::follow_deep_link))
        .with_state(edge)
}

/// Learns that links were stopped, by whichever process. While the database is away, what was known stays.
async fn follow_stops(pool: PgPool, links: Arc<LinkCache>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(STOPS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match messaging::answered(store::links::last_stop(&pool)).await {
            Ok(last) => links.stopped(last),
            Err(error) => tracing::debug!(%error, "whether links were stopped is not known"),
        }
    }
}

/// Makes partitions ahead, so that no visitor waits for one. Should it fail, the first click of the day makes it.
async fn keep_partitions(writer: ClickWriter, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = writer.make_partitions().await {
            tracing::warn!(%error, "no partition for clicks could be made ahead");
        }
    }
}
