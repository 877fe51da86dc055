//! The stack's parts, and the whole of it, against real servers. Run with `./test.sh devstack`.

mod archived;
mod asyncapi;
mod away;
mod backpressure;
mod canaries;
mod clients;
mod clock;
mod collector;
mod customer_mail;
mod customer_webhooks;
mod database_page;
mod deploying;
mod environment;
mod feed;
mod followers;
mod forged;
mod large_demo;
mod modes;
mod observing;
mod onboarding;
mod operators;
mod processes;
mod provisioning;
mod published;
mod readers;
mod replicas;
mod reports;
mod restored;
mod rights;
mod rotation;
mod servers;
mod stack;
mod terminal;
mod timelines;
mod tls;
mod traces;
mod traffic;
mod two_ports;
mod upgraded;
mod walk;

use std::path::PathBuf;

use devstack::layout::Layout;
use schemas::Service;

/// A program of this clone, as `./test.sh` has built it.
fn built(program: &str) -> PathBuf {
    Layout::find().built("debug").join(program)
}

/// The folders whose sources a service is made of.
fn folders_of_services() -> impl Iterator<Item = String> {
    let shared =
        ["chassis", "messaging", "operations", "runtime"].map(|name| format!("crates/{name}"));
    shared
        .into_iter()
        .chain(Service::ALL.map(|service| service.name().to_owned()))
}
