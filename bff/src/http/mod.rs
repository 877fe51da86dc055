//! The HTTP surface: writes that become commands, reads of the models.

mod acceptance;
mod ask;
mod balances;
mod campaigns;
mod commands;
mod commissions;
mod destination;
mod evidence;
mod found;
mod links;
mod messages;
mod operator;
mod operator_document;
mod payments;
mod payouts;
mod plan;
mod shown;
mod terms;
mod tracking;

pub(crate) use operator::routes as operator_routes;

use axum::routing::get;
use chassis::json::parse;
use chassis::problem::Problem;
use chassis::write::NoBody;
use host::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::intake::{self, Intake};
use crate::waiting::Waiting;

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Bff {
    host: Host,
    intake: Intake,
    waiting: Waiting,
}

/// Every route. Starts what they need.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    let bff = Bff {
        host: host.clone(),
        intake: intake::start(host),
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

/// Reads a body as the operation of that name does, up to where a command is made of it; `None` for an operation without
/// a body. For tests of hostile input, which cannot name the types.
#[doc(hidden)]
pub fn read_body(operation: &str, json: &[u8]) -> Option<Result<(), Problem>> {
    Some(match operation {
        "create_campaign" => parse::<campaigns::CreateCampaign>(json).map(drop),
        "activate_campaign" => parse::<NoBody>(json).map(drop),
        "publish_terms" => parse::<terms::PublishTerms>(json).map(drop),
        "accept_campaign" => parse::<acceptance::AcceptCampaign>(json).map(drop),
        "submit_evidence" => parse::<evidence::SubmitEvidence>(json).map(drop),
        "create_link" => parse::<links::CreateLink>(json).map(drop),
        "record_event" => parse::<tracking::RecordEvent>(json).map(drop),
        "request_payout" => parse::<payments::RequestPayout>(json).map(drop),
        _ => return None,
    })
}
