//! The HTTP surface: writes that become commands, reads of the models.

mod accounts;
mod balances;
mod bans;
mod campaigns;
mod checks;
mod claims;
mod clicks;
mod commands;
mod commissions;
mod conversions;
mod enrollments;
mod erasures;
mod evidence;
mod explanations;
mod feed;
mod funds;
mod groups;
mod keys;
mod links;
mod mail;
mod me;
mod messages;
mod named;
mod onboarding;
mod operator;
mod operator_document;
mod payments;
mod payouts;
mod records;
mod reports;
mod search;
mod shown;
mod statements;
mod submit;
mod terms;
mod timeline;
mod tracking;
mod unsubscribe;
mod webhooks;

pub(crate) use operator::routes as operator_routes;
pub(crate) use unsubscribe::routes as edge_routes;

use axum::routing::get;
use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

use crate::feed::Feed;
use crate::gateway::{self, Gateway};
use crate::related::Everywhere;
use crate::reports::Reports;
use crate::waiting::Waiting;

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Bff {
    host: Host,
    gateway: Gateway,
    waiting: Waiting,
    everywhere: Everywhere,
    feed: Feed,
    reports: Reports,
}

/// Every route. Starts what they need.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    let bff = Bff {
        host: host.clone(),
        gateway: gateway::start(host),
        waiting: Waiting::start(host),
        everywhere: Everywhere::new(host),
        feed: Feed::start(host),
        reports: Reports::new(host),
    };
    OpenApiRouter::new()
        .merge(campaigns::routes())
        .merge(terms::routes())
        .merge(enrollments::routes())
        .merge(bans::routes())
        .merge(keys::routes())
        .merge(erasures::routes())
        .merge(evidence::routes())
        .merge(records::routes())
        .merge(groups::routes())
        .merge(links::routes())
        .merge(tracking::routes())
        .merge(payments::routes())
        .merge(commands::routes())
        .merge(me::routes())
        .merge(commissions::routes())
        .merge(payouts::routes())
        .merge(statements::routes())
        .merge(balances::routes())
        .merge(accounts::routes())
        .merge(funds::routes())
        .merge(claims::routes())
        .merge(conversions::routes())
        .merge(reports::routes())
        .merge(search::routes())
        .merge(feed::routes())
        .merge(timeline::routes())
        .merge(explanations::routes())
        .merge(webhooks::routes())
        .merge(mail::routes())
        .merge(onboarding::routes())
        .route("/asyncapi.json", get(messages::document))
        .route("/docs/messages", get(messages::page))
        .with_state(bff)
        .merge(clicks::routes(host))
        .merge(webhooks::reads(host))
        .merge(mail::reads(host))
        .merge(onboarding::reads(host))
        .merge(crate::console::routes().into())
}
