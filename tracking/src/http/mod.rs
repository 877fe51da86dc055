//! The HTTP surface in http and hybrid mode.

mod conversions;
pub(crate) mod edge;
mod events;
mod links;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All routes but the public edge.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(links::create_link, links::list_links))
        .routes(routes!(events::record_event))
        .routes(routes!(conversions::list_conversions))
        .routes(routes!(conversions::get_conversion))
        .with_state(host.clone())
}
