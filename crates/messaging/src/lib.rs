//! The way of a message: log, inbox, watermarks, batches, parking, relay and transports.
//!
//! A service gives a [`Domain`]; the [`Engine`] turns what waits in its [`Queue`] into transactions; the relay ships
//! what they appended. Nothing here knows a service.

pub mod archive;
mod attempt;
pub mod audit;
mod backoff;
pub mod backpressure;
mod begin;
#[doc(hidden)]
pub mod bulk;
pub mod clock;
mod company;
mod domain;
mod dry_run;
mod dyn_domain;
mod engine;
pub mod epoch;
pub mod gap;
pub mod gauges;
pub mod group;
pub mod halted;
mod health;
mod help;
pub mod identity;
mod inbound;
pub mod inbox;
pub mod job;
mod known;
mod locks;
pub mod log;
mod mode;
pub mod partition;
pub mod process;
mod projection;
mod queue;
pub mod related;
pub mod relay;
mod resend;
pub mod retry_queue;
pub mod retry_scheduler;
mod schema_ids;
pub mod service_state;
mod sqlstate;
mod stream;
mod superseded;
mod supervise;
pub mod tls;
pub mod trace;
pub mod transport;
pub mod trust;
mod tx;

pub use attempt::about::drop_from_retry_queue;
pub use backoff::Backoff;
pub use begin::{answered, answered_within, begin, begin_with_lock};
pub use domain::{Context, Decision, Domain, FoldError, Recorded, Tables};
pub use dry_run::{DryRun, DryRunResult};
pub use dyn_domain::{DynBatch, DynDomain, Unfolded};
pub use engine::{Engine, advance};
pub use health::{Health, Paused, Shut};
pub use help::METRICS;
pub use inbound::{Answer, Claim, Content, Hint, Inbound, Item, Via, Wire};
pub use locks::AdvisoryLock;
pub use mode::{Edge, Mode, Modes, NoTransport, NotAMode};
pub use projection::Projection;
pub use queue::{
    Answers, AnswersOfEntry, BATCH_BYTES, BATCH_MESSAGES, FLOW_BYTES, FLOW_MESSAGES, FlowSender,
    Followers, Full, Hurry, Queue,
};
pub use schema_ids::{SchemaIdError, SchemaIds};
pub use sqlstate::{is_locked, is_outage, is_outdated};
pub use stream::{Gap, StreamId, Watermark, followers};
pub use superseded::ids_in_epochs;
pub use supervise::Tasks;
pub use tx::{Lock, Lookups, MAX_BODY_BYTES, NewMessage, TxError, WriteTx, Writer, encode};

/// Makes or brings up to date the pipeline's own tables, in Postgres schema `pipeline`: before a service's.
pub async fn migrate(
    connection: &mut sqlx::PgConnection,
) -> Result<(), sqlx::migrate::MigrateError> {
    // Its record of migrations stands in its own schema too, apart from the service's. Processes that start together make
    // it one after the other: without the lock, IF NOT EXISTS may see nothing and still collide.
    let sql = format!(
        "{}; CREATE SCHEMA IF NOT EXISTS pipeline; SET search_path = pipeline",
        AdvisoryLock::Migrations.hold()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut *connection)
        .await?;
    MIGRATIONS.run(&mut *connection).await?;
    sqlx::raw_sql("SET search_path = public")
        .execute(connection)
        .await?;
    Ok(())
}

/// What a newer build beside this one has migrated already does not keep this one from starting.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate::Migrator {
    ignore_missing: true,
    ..sqlx::migrate!()
};
