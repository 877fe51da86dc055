//! What front ends see: lists and one commission explained. Nothing is written here.

mod bodies;
mod commissions;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// The service's routes.
pub fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(commissions::routes())
        .with_state(host.clone())
}
