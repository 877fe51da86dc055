//! Notify: Mail, webhooks and postbacks about what happened.
//!
//! It follows nobody yet, takes no commands and emits nothing: with its first message kind come its topics.

mod http;
mod service;

use chassis::config::Env;
use runtime::Definition;
use sqlx::migrate::Migrator;

pub use service::Notify;

/// Its own tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service. It reads no variable of its own.
pub fn define(_env: &mut Env) -> Definition<Notify> {
    Definition::of(
        Notify,
        &MIGRATIONS,
        "Mail, webhooks and postbacks about what happened.",
        http::routes,
    )
}
