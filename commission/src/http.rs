//! What front ends see: lists and one commission explained. Nothing is written here.

mod bodies;
mod commissions;

use axum::http::StatusCode;
use host::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The service's routes.
pub fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(commissions::list_commissions))
        .routes(routes!(commissions::get_commission))
        .with_state(host.clone())
}

/// The HTTP status of each code that the domain refuses with. Only its own timer asks, so only tests see them.
pub fn status_of(code: &str) -> StatusCode {
    match code {
        "commission_unknown" => StatusCode::NOT_FOUND,
        "not_held" | "hold_not_over" | "timed_out_waiting" | "dropped_by_operator" => {
            StatusCode::CONFLICT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
