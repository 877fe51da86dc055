//! Payment's routes.

mod balances;
mod keys;
mod operator;
mod payouts;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All routes under `/api/v1/payment`.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(payouts::request_payout, payouts::list_payouts))
        .routes(routes!(payouts::get_payout))
        .routes(routes!(balances::list_balances))
        .with_state(host.clone())
}

/// Operators' routes beside those that every service has; open in every mode, as they are.
pub(crate) fn operator_routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(operator::get_payout_switch))
        .routes(routes!(operator::pause_payouts))
        .routes(routes!(operator::resume_payouts))
        .routes(routes!(operator::decide_payout))
        .routes(routes!(keys::list_keys))
        .routes(routes!(keys::renew_sealing_key))
        .with_state(host.clone())
}
