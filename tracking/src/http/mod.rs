//! The HTTP surface in http and hybrid mode.

mod claims;
pub(crate) mod click_counts;
mod clicks;
mod conversions;
pub(crate) mod counted_clicks;
pub(crate) mod edge;
mod erasures;
mod events;
mod links;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// All routes but the public edge.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(links::routes())
        .merge(events::routes())
        .merge(conversions::routes())
        .merge(claims::routes())
        .merge(clicks::routes())
        .merge(erasures::routes())
        .with_state(host.clone())
}
