//! What front ends see: lists and one commission explained. Nothing is written here.

mod bodies;
mod commissions;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The service's routes.
pub fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(commissions::list_commissions))
        .routes(routes!(commissions::get_commission))
        .with_state(host.clone())
}
