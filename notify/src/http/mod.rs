//! Notify's HTTP surface.

mod deliveries;
mod endpoints;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// The routes that event mode closes: all that asks for something.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    endpoints::routes().with_state(host.clone())
}

/// The routes that are open in every mode, since the bff hands on what is asked there: endpoints and deliveries as they stand.
pub(crate) fn reads(host: &Host) -> OpenApiRouter {
    endpoints::reads()
        .merge(deliveries::reads())
        .with_state(host.clone())
}
