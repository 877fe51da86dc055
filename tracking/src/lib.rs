//! Tracking: partner links, clicks, tracking events, conversions and their attribution.
//!
//! | | |
//! |---|---|
//! | takes | `tracking.create_link`, `.change_link`, `.record_event`, `.bind_click`, `.accept_claim`, `.decline_claim`; clicks at `GET /c/{code}` in every mode |
//! | follows | `campaign-events`: `terms.published`, `campaign.activated`, `.paused`, `.resumed`, `.closed`, `enrollment.accepted`, `.applied`, `.approved`, `.rejected`, `.ended`, `partner.banned`, `.unbanned`, `api_key.created`, `.rotated`, `.revoked`, `group.created`, `.changed`, `partner.moved`; `notify-events`: `workflow.step_requested` for a link |
//! | emits | `link.created`, `.changed`, `click.bound`, `conversion.attributed`, `.unattributed`, `.refunded`, `.refund_noted`, `.duplicate_ignored`, `.claimed`, `claim.settled`, `.accepted`, `.declined`, `tracking_event.recorded`, `workflow_link.answered` |
//! | keeps to itself | `terms.adopted`, `campaign.adopted`, `.status_adopted`, `enrollment.adopted`, `.end_adopted`, `partner.status_adopted`, `api_key.adopted`, `group.adopted`, `partner.move_adopted` |
//! | owns | `campaigns`, `terms`, `enrollments`, `bans`, `links`, `conversions`, `conversion_aliases`, `claims`, `tracking_events`, `link_stops`, `api_keys`, `api_key_changes`, `groups`, `memberships` (the fold of its events); `clicks`, `last_clicks`, `click_horizon`, `link_clicks`, `campaign_clicks`, `report_notes`, `erasures`, `api_key_uses` (not) |
//!
//! What a reader might ask:
//! - The terms that count are those that the click's partner accepted; their version and window go with the conversion.
//! - Anyone with a role may report. A brand what its own campaigns led to: else whoever reports first would take an order
//!   from whom it belongs to. What a partner reports, of its own click, is a claim: nobody is paid for it before the brand
//!   accepts it, or who speaks for the brand reports the same order. Of refunds a partner reports none.
//! - A link leads to its target while nobody has disabled it, its campaign is active, and its partner enrolled and banned by nobody;
//!   else to the fallback page, and no click counts. A click counts inside its window whatever is stopped later.
//! - An order number belongs to a brand: the one that the reporter speaks for, else that of the campaign or click.
//! - A refund beyond what is left is refused; one that came before its purchase is noted and, when that comes, counted up
//!   to what was paid.
//! - Whose a click was, the campaign's brand says. Anybody may follow a link with anybody's id, so what a redirect says of its visitor
//!   counts only in campaigns that allow it.
//! - A visitor's id is kept as a hash under a key only, the same in clicks, states and events, and commands have no other ([`visitor`]).

pub mod click_id;
pub mod destination;
pub mod domain;
mod http;
mod jobs;
pub mod messages;
mod service;
mod state;
pub mod store;
pub mod visitor;

use std::sync::Arc;
use std::time::Duration;

use chassis::config::Env;
use chassis::lasting::LastingKeys;
use chassis::telemetry::Help;
use messaging::DynDomain;
use runtime::{Definition, LeaderJobs};

pub use service::Tracking;
pub use state::BatchState;

/// Tracking's own tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// What its own metrics show.
const METRICS: &[Help] = &[
    ("tracking_clicks_total", "Redirects of visitors"),
    (
        "tracking_clicks_without_row_total",
        "Redirects made while the database could not keep them",
    ),
    (
        "tracking_signatures_refused_total",
        "Redirects whose signature does not hold: their clicks are bound to nobody",
    ),
    (
        "tracking_prefetches_total",
        "Redirects that browsers ask for in case somebody follows them, which are refused",
    ),
    (
        "tracking_bots_total",
        "Redirects of programs that say they are none of a visitor, which count no click",
    ),
    (
        "tracking_fallbacks_total",
        "Redirects to fallback pages, of links that are stopped",
    ),
];

/// Its domain behind a pointer, for who folds its log: compiled here, and not in each program that does.
pub fn domain() -> Arc<dyn DynDomain> {
    Arc::new(Tracking)
}

/// The service.
pub fn define(env: &mut Env) -> Definition<Tracking> {
    let keys = LastingKeys::read(env);
    click_id::set_keys(&keys);
    api::visitor::set_keys(&keys);
    api::redirects::set_keys(&keys);
    let patience = env.within("CLICK_PATIENCE_MS", 2_000, 1..=60_000);
    let patience = Duration::from_millis(patience);
    Definition {
        edge: Arc::new(move |host| http::edge::routes(host, patience)),
        operators: http::click_counts::routes,
        between: http::counted_clicks::routes,
        api_keys: true,
        outlives_database: true,
        jobs: LeaderJobs::nothing()
            .with(jobs::Erase)
            .with(jobs::SumClicks::default()),
        metrics: METRICS,
        ..Definition::of(
            Tracking,
            &MIGRATIONS,
            "Partner links, clicks, tracking events, conversions and their attribution.",
            http::routes,
        )
    }
}
