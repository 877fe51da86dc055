//! The campaign service: campaigns of brands, their terms and plans by version, who is in them, and evidence of work.
//!
//! It takes the commands of `campaign-commands`, two of them from its own timers, and follows payment: whether a brand
//! is out of funds, and notify: what a workflow wants done, which it answers. Which there are, and the one event that each ends in,
//! says the table of kinds (`schemas/src/kinds.rs`). The fold of its events stands in `campaigns`, `terms`, `plans`,
//! `enrollments`, `bans`, `api_keys`, `evidence`, `brand_funds`, `partners`, `brands`, `groups` and `memberships`; what is in no event but
//! sealed, or not at all, so that it can be changed or erased, in `terms_texts`, `acceptance_metadata`, `evidence_files` and `personal_keys`.

pub mod domain;
mod http;
mod jobs;
mod messages;
mod service;
mod state;
mod store;

use std::sync::Arc;

use chassis::config::Env;
use chassis::lasting::LastingKeys;
use messaging::DynDomain;
use runtime::{Definition, LeaderJobs};
use sqlx::migrate::Migrator;

pub use service::CampaignDomain;
pub use state::BatchState;

/// Campaign's own tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// Its domain behind a pointer, for who folds its log: compiled here, and not in each program that does.
pub fn domain() -> Arc<dyn DynDomain> {
    Arc::new(CampaignDomain)
}

/// The service. Beside what every service reads it seals texts to those that follow it.
pub fn define(env: &mut Env) -> Definition<CampaignDomain> {
    let keys = LastingKeys::read(env);
    sealing::texts::set_keys(&keys.current, &keys.accepted);
    api::redirects::set_keys(&keys);
    Definition {
        personal_keys: true,
        jobs: LeaderJobs::nothing()
            .with(jobs::EndCampaigns)
            .with(jobs::FollowFunds),
        ..Definition::of(
            CampaignDomain,
            &MIGRATIONS,
            "Campaigns of brands, their terms and commission plans by version, the partners in them, and evidence.",
            http::routes,
        )
    }
}
