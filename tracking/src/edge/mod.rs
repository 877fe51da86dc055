//! The public edge: open in every mode, without a token.

mod cache;
mod redirect;

use std::sync::Arc;
use std::time::Duration;

use host::Host;
use money::ClickId;
use pipeline::group::Group;
use sqlx::PgPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::clicks::{ClickWriter, NewClick};
use cache::LinkCache;

/// Clicks that are committed together at most, and how long one waits for others under load.
const GROUP: usize = 500;
const PACE: Duration = Duration::from_millis(5);

/// What redirects share.
#[derive(Clone)]
pub(crate) struct Edge {
    pool: PgPool,
    links: Arc<LinkCache>,
    clicks: Group<NewClick, ClickId>,
}

/// The routes that are open in every mode.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    let pool = host.pool().clone();
    let writer = ClickWriter { pool: pool.clone() };
    let edge = Edge {
        pool,
        links: Arc::default(),
        clicks: Group::start(host.tasks(), "clicks", GROUP, PACE, writer),
    };
    OpenApiRouter::new()
        .routes(routes!(redirect::follow_link))
        .with_state(edge)
}
