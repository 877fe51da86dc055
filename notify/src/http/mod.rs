//! The HTTP surface in http and hybrid mode.

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// All routes.
pub(crate) fn routes(_host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
}
