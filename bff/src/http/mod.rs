//! The HTTP surface: writes that become commands, reads of the models.

mod acceptance;
mod balances;
mod campaigns;
mod commands;
mod commissions;
mod evidence;
mod links;
mod messages;
mod operator;
mod operator_document;
mod payments;
mod payouts;
mod shown;
mod submit;
mod terms;
mod tracking;

pub(crate) use operator::routes as operator_routes;

use axum::routing::get;
use runtime::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::{self, Gateway};
use crate::waiting::Waiting;

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Bff {
    host: Host,
    gateway: Gateway,
    waiting: Waiting,
}

/// Every route. Starts what they need.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    let bff = Bff {
        host: host.clone(),
        gateway: gateway::start(host),
        waiting: Waiting::start(host),
    };
    OpenApiRouter::new()
        .routes(routes!(campaigns::create_campaign))
        .routes(routes!(terms::publish_terms))
        .routes(routes!(campaigns::activate_campaign))
        .routes(routes!(acceptance::accept_campaign))
        .routes(routes!(evidence::submit_evidence))
        .routes(routes!(links::create_link))
        .routes(routes!(tracking::record_event))
        .routes(routes!(payments::request_payout))
        .routes(routes!(commands::list_commands))
        .routes(routes!(commands::get_command))
        .routes(routes!(commissions::list_commissions))
        .routes(routes!(commissions::get_commission))
        .routes(routes!(payouts::list_payouts))
        .routes(routes!(payouts::get_payout))
        .routes(routes!(balances::list_balances))
        .route("/asyncapi.json", get(messages::document))
        .route("/docs/messages", get(messages::page))
        .with_state(bff)
}
