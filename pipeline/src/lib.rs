//! The road of a message: log, inbox, watermarks, batches, parking, relay, transports and effects.
//!
//! A service gives a [`Domain`]; the [`Engine`] turns what waits in its [`Queue`] into transactions; the relay ships
//! what they appended. Nothing here knows a service.

pub mod archive;
mod attempt;
pub mod audit;
mod backoff;
pub mod clock;
mod domain;
pub mod effects;
mod engine;
pub mod epoch;
pub mod event_store;
pub mod gap;
pub mod gauges;
pub mod group;
pub mod handled_before;
mod health;
mod help;
pub mod identity;
mod inbound;
pub mod inbox;
pub mod log;
mod mode;
pub mod parked;
pub mod process;
mod queue;
mod rehearse;
pub mod relay;
pub mod release;
pub mod replay;
mod resend;
pub mod road;
mod schema_ids;
pub mod service_state;
mod sqlstate;
pub mod stopped;
mod supervise;
pub mod timers;
pub mod tls;
pub mod trace;
pub mod trust;
mod tx;

pub use domain::{Context, Domain, Emit, Recorded, Rejection, Tables, Verdict};
pub use engine::{Engine, advance};
pub use health::{Health, Paused, Shut};
pub use help::METRICS;
pub use inbound::{Answer, Claim, Content, Hint, Inbound, Item, StreamId, Via, Wire};
pub use mode::{Edge, Mode, Modes, NoRoad, NotAMode};
pub use queue::{
    Answers, BATCH_BYTES, BATCH_MESSAGES, Full, Inlet, LANE_BYTES, LANE_MESSAGES, Queue,
};
pub use rehearse::{Rehearse, Rehearsed};
pub use schema_ids::{SchemaIdError, SchemaIds};
pub use sqlstate::is_outage;
pub use supervise::Tasks;
pub use tx::{Asked, Lock, MAX_BODY_BYTES, NewMessage, TxError, Watermark, WriteTx, Writer};

/// Makes or brings up to date the pipeline's own tables, in Postgres schema `pipeline`: before a service's.
pub async fn migrate(
    connection: &mut sqlx::PgConnection,
) -> Result<(), sqlx::migrate::MigrateError> {
    // Its record of migrations stands in its own schema too, apart from the service's. Processes that start together make
    // it one after the other: without the lock, IF NOT EXISTS may see nothing and still collide.
    sqlx::raw_sql(
        "SELECT pg_advisory_xact_lock(74617206); CREATE SCHEMA IF NOT EXISTS pipeline; SET search_path = pipeline",
    )
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
