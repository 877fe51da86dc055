//! Commission: what conversions earn, when it is earned for good, and what refunds take back.
//!
//! | | | |
//! |---|---|---|
//! | follows | `terms.published` (campaign) | → `plan.adopted` (own) |
//! | | `conversion.attributed` (tracking) | → `commission.calculated`; waits up to 24 h for its version of the plan |
//! | | `conversion.refunded` (tracking) | → `commission.reversed`, cumulatively |
//! | takes | `commission.release_hold` (own timer) | → `commission.approved` |
//! | owns | `plans`, `commissions`, `reversals` | the fold of its own events |
//! | shows | `GET /api/v1/commission/commissions`, `…/{id}` | what was earned, and why so much |

pub mod domain;
pub mod http;
mod jobs;
mod messages;
mod service;
mod state;
pub mod store;

use std::sync::Arc;

use chassis::config::Env;
use messaging::DynDomain;
use runtime::{Definition, LeaderJobs};

pub use service::Commission;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Its tables.
pub fn migrations() -> &'static sqlx::migrate::Migrator {
    &MIGRATIONS
}

/// Its domain behind a pointer, for who folds its log: compiled here, and not in each program that does.
pub fn domain() -> Arc<dyn DynDomain> {
    Arc::new(Commission)
}

/// The service in one value. It reads no variable of its own.
pub fn define(_env: &mut Env) -> Definition<Commission> {
    Definition {
        jobs: LeaderJobs::nothing().with(jobs::ReleaseHolds),
        ..Definition::of(
            Commission,
            &MIGRATIONS,
            "What conversions earn, by which rule, and since when it is earned for good.",
            http::routes,
        )
    }
}
