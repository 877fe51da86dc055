//! The edge for front ends: takes every write as a command, shows what became of it, and answers reads from models of
//! its own, so that front ends need nothing else in event mode.
//!
//! | | |
//! |---|---|
//! | takes | requests of people: each write becomes one command in the log, answered 202; without a token the links that end mails |
//! | follows | every `*-events` topic: outcomes, sealing keys, and whatever lists show |
//! | emits | `campaign-commands`, `tracking-commands`, `payment-commands`, `notify-commands` |
//! | owns | `commands`, `command_notes` (gateway); `personal_keys`; `outcomes` and the read models (projections); `report_sums` (job) |
//!
//! It also serves the console, a page of static files that uses nothing but the public API.
//!
//! Nothing is decided here. The command gateway needs Postgres alone: a stopped broker stops neither it nor its answers. Payment
//! details are sealed to a key of payment before anything of them is stored.

mod console;
mod feed;
mod gateway;
mod http;
mod jobs;
mod projections;
mod qr_code;
mod related;
mod reports;
mod store;
mod turns;
mod waiting;

use std::sync::Arc;

use chassis::config::Env;
use chassis::lasting::LastingKeys;
use runtime::{Definition, LeaderJobs};
use sqlx::migrate::Migrator;

use jobs::SumReports;
pub use projections::Projections;

/// Its own tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

const ABOUT: &str = "The edge for front ends: commands with their outcomes, and everything that is read, in every mode.";

/// The bff in one screen. Beside what every service reads it opens the texts that others seal to it.
pub fn define(env: &mut Env) -> Definition<Projections> {
    let keys = LastingKeys::read(env);
    api::link_url::read_base(env);
    console::read_settings(env);
    api::visitor::set_keys(&keys);
    api::redirects::set_keys(&keys);
    api::unsubscribe::set_keys(&keys);
    sealing::texts::set_keys(&keys.current, &keys.accepted);
    Definition {
        edge: Arc::new(http::edge_routes),
        operators: http::operator_routes,
        api_keys: true,
        personal_keys: true,
        jobs: LeaderJobs::nothing().with_host(|host| SumReports::new(host.writer())),
        ..Definition::of(Projections, &MIGRATIONS, ABOUT, http::routes)
    }
}
