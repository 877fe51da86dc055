//! A service's database as a start opens it: migrated, set up, and with what earlier processes left behind.

use anyhow::bail;
use chassis::time::to_rfc3339;
use messaging::identity::Guard;
use messaging::{Mode, SchemaIds, clock, log, process, service_state};
use operations::archive;
use schemas::Service;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use types::Micros;
use types::clock::Offset;
use uuid::Uuid;

use crate::database;
use crate::settings::Settings;

/// Connections beside those that requests and batches use.
pub(crate) const BARE_CONNECTIONS: u32 = 2;

/// The database, and this process in it.
pub(crate) struct Opened {
    pub(crate) pool: PgPool,
    /// Whose connections do not ask whether the database is recognised.
    pub(crate) bare_pool: PgPool,
    pub(crate) guard: Guard,
    pub(crate) process: Uuid,
    pub(crate) left: Left,
    pub(crate) schema_ids: SchemaIds,
    /// The log's.
    pub(crate) head: i64,
}

impl Opened {
    /// Waits for the database where it is away for a moment.
    pub(crate) async fn of(
        service: Service,
        migrations: &Migrator,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let process = Uuid::now_v7();
        let guard = Guard::default();
        let session = process::session_name(service.name(), process);
        let pool = database::pool(
            &settings.database,
            &session,
            settings.database_connections,
            Some(guard.clone()),
        );
        let bare_pool = database::pool(&settings.database, &session, BARE_CONNECTIONS, None);
        database::patiently(async || database::prepare(&bare_pool, migrations).await).await?;
        database::patiently(async || test_clock(&bare_pool, settings).await).await?;
        let resume = async || resume(&bare_pool, settings, service, process).await;
        let left = database::patiently(resume).await?;
        if let Some(folder) = &settings.archive_folder {
            database::patiently(async || Ok(archive::open(&bare_pool, folder).await?)).await?;
        }
        if let Some(positions) = settings.log_partition_positions {
            let set = async || Ok(archive::set_partition_positions(&bare_pool, positions).await?);
            database::patiently(set).await?;
        }
        let open = async || Ok(SchemaIds::open(&bare_pool).await?);
        let schema_ids = database::patiently(open).await?;
        let head = database::patiently(async || Ok(log::head(&bare_pool).await?)).await?;
        Ok(Self {
            pool,
            bare_pool,
            guard,
            process,
            left,
            schema_ids,
            head,
        })
    }
}

/// Has a log that is empty begin where the settings say. Where no clock can be moved, none may have been: everything would be decided
/// by a wrong time, and nobody could mend it. The same of a server whose clock was wrong.
async fn test_clock(pool: &PgPool, settings: &Settings) -> anyhow::Result<()> {
    if settings.profile.is_local() {
        if let Some(starts) = settings.clock_starts {
            let begun = clock::begin(pool, starts).await?;
            tracing::info!(begun, "an empty log begins at {starts} from now");
        }
        return Ok(());
    }
    let state = clock::state(pool).await?;
    let offset = state.offset();
    if offset != Offset::default() {
        bail!(
            "the clock of this database was moved ({offset}), which only TRIBUTARY_PROFILE=local allows: it is no database \
             for anything but trying"
        );
    }
    if state.is_far_behind() {
        bail!(
            "the clock of this database was moved and set back, or its server's clock was wrong: its log ends in the future \
             ({}), and all would be decided by that time until it has come. Moved, which only TRIBUTARY_PROFILE=local allows, \
             it is no database for anything but trying; where the server's was wrong follow docs/runbooks/clock-ahead.md",
            to_rfc3339(Micros(state.last_time))
        );
    }
    Ok(())
}

/// What earlier processes of the service left behind.
pub(crate) struct Left {
    /// So many died since the last start.
    pub(crate) deaths: u64,
    /// The service took commands from the broker, and now does no more.
    pub(crate) commands_at_the_broker: bool,
}

/// Notes the start, unless what the last run left forbids it.
async fn resume(
    pool: &PgPool,
    settings: &Settings,
    service: Service,
    process: Uuid,
) -> anyhow::Result<Left> {
    let mode = settings.modes.of(service);
    let last = service_state::last_run(pool).await?;
    if last.mode == Mode::Event.name() && mode == Mode::Http {
        bail!(
            "{} cannot go from event to http mode: commands of others may still lie at the broker. Start it in hybrid \
             mode first, until it is ready",
            service.name()
        );
    }
    if last.partitions != 0 && last.partitions != i32::try_from(settings.partitions)? {
        bail!(
            "this log was written for {} partitions, PULSAR_TOPIC_PARTITIONS says {}: the number of partitions is \
             fixed when topics are provisioned",
            last.partitions,
            settings.partitions
        );
    }
    let commands_at_the_broker = last.mode == Mode::Hybrid.name() && mode == Mode::Http;
    if !commands_at_the_broker {
        service_state::note(pool, mode.name(), settings.partitions).await?;
    }
    let deaths = process::begin(pool, service.name(), process, mode.name()).await?;
    if deaths > 0 {
        tracing::warn!(deaths, "processes of this service died");
    }
    Ok(Left {
        deaths,
        commands_at_the_broker,
    })
}
