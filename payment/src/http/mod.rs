//! Payment's routes.

mod accounts;
mod balances;
mod funds;
mod keys;
mod operator;
mod payouts;
mod proof;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// All routes under `/api/v1/payment`.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(payouts::routes())
        .merge(balances::routes())
        .merge(accounts::routes())
        .merge(funds::routes())
        .with_state(host.clone())
}

/// Operators' routes beside those that every service has; open in every mode, as they are.
pub(crate) fn operator_routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(operator::routes())
        .merge(proof::routes())
        .merge(keys::routes())
        .with_state(host.clone())
}
