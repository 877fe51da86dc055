//! From settings to a running service, and back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use chassis::auth::{AuthConfig, Verifier};
use chassis::http::{Groups, Limits, Probes, Server, ServerConfig, Shell};
use chassis::idempotency::RequestHasher;
use chassis::telemetry::{self, Metrics};
use messaging::relay::Source;
use messaging::transport::http::{HttpTransport, InternalKey};
use messaging::transport::receiver::Receiver;
use messaging::transport::resend::Sources;
use messaging::{
    Domain, DryRun, Engine, FlowSender, Health, Mode, Modes, Queue, SchemaIds, Tasks, Writer,
    archive, gap, gauges, process, retry_queue, retry_scheduler, service_state,
};
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::database::Guard;
use crate::definition::{Definition, Routes};
use crate::documents::{BAD_GATEWAY, SERVICE_UNAVAILABLE};
use crate::followers::published;
use crate::replays::{self, Replays};
use crate::settings::Settings;
use crate::{commands, database, operator, ready, traces, transports};

/// Connections beside those that requests and batches use.
const BARE_CONNECTIONS: u32 = 2;

/// A running service, as its routes see it.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    service: Service,
    pool: PgPool,
    bare_pool: PgPool,
    guard: Guard,
    writer: Writer,
    engine_writer: Writer,
    flow: FlowSender,
    committed: Arc<watch::Sender<i64>>,
    health: Health,
    limits: Limits,
    tasks: Tasks,
    modes: Modes,
    internal_key: InternalKey,
    client: reqwest::Client,
    urls: BTreeMap<&'static str, String>,
    replays: Replays,
    command_log: &'static str,
    retry_queue_changed: Arc<Notify>,
    dry_run: Box<dyn DryRun>,
}

impl Host {
    /// Which service it is.
    pub fn service(&self) -> Service {
        self.0.service
    }

    /// Its database.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// Its database, be it recognised as its own or not: for what an operator does about that.
    pub(crate) fn bare_pool(&self) -> &PgPool {
        &self.0.bare_pool
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// What the transactions begin with that move watermarks.
    pub(crate) fn engine_writer(&self) -> &Writer {
        &self.0.engine_writer
    }

    /// The HTTP transport to a follower, not open yet.
    pub(crate) fn transport_to(
        &self,
        follower: Service,
        topic: Topic,
        partition: i32,
    ) -> HttpTransport {
        HttpTransport::new(
            self.0.client.clone(),
            self.url_of(follower).to_owned(),
            self.0.internal_key.clone(),
            self.service(),
            follower,
            (topic, partition),
            self.0.modes.clone(),
            self.health().clone(),
        )
    }

    /// The topics that it publishes to the broker.
    pub(crate) fn relayed_topics(&self) -> Vec<Topic> {
        let published = published(self.service()).into_iter();
        published
            .filter(|topic| self.0.modes.publishes(self.service(), *topic))
            .collect()
    }

    /// The way to the sources of what it follows.
    pub(crate) fn sources(&self) -> Sources {
        Sources {
            client: self.0.client.clone(),
            key: self.0.internal_key.clone(),
            me: self.service(),
            urls: self.0.urls.clone(),
        }
    }

    /// What its own writing transactions begin with.
    pub fn writer(&self) -> &Writer {
        &self.0.writer
    }

    /// Notifies the retry scheduler.
    pub(crate) fn retry_queue_changed(&self) -> &Notify {
        &self.0.retry_queue_changed
    }

    /// For dry runs.
    pub(crate) fn dry_run(&self) -> &dyn DryRun {
        self.0.dry_run.as_ref()
    }

    /// Its writer schemas.
    pub fn schema_ids(&self) -> &SchemaIds {
        &self.0.writer.schema_ids
    }

    /// The way into its queue for commands made in this process.
    pub fn flow(&self) -> &FlowSender {
        &self.0.flow
    }

    /// What a request may cost.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Its transports.
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Its tasks, for group commits.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Gets the log's head after every commit of this process.
    pub(crate) fn news(&self) -> watch::Receiver<i64> {
        self.0.committed.subscribe()
    }

    /// How commands are listed.
    pub(crate) fn command_log(&self) -> &'static str {
        self.0.command_log
    }

    /// The way to have tables made again.
    pub(crate) fn replays(&self) -> &Replays {
        &self.0.replays
    }

    /// Where a service listens for other services, such as `http://127.0.0.1:8003`.
    pub fn url_of(&self, service: Service) -> &str {
        self.0.urls.get(service.name()).map_or("", String::as_str)
    }

    /// Wakes the relay after a commit outside the batches.
    pub fn committed(&self, position: i64) {
        messaging::advance(&self.0.committed, position);
    }
}

/// A started service.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// As its routes see it.
    pub host: Host,
    tasks: Tasks,
    process: Uuid,
}

impl Running {
    /// Stops it and waits until nothing of it runs. What it wrote last is then that it stopped by itself.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.tasks.stop().cancel();
        self.tasks.finished().await;
        let pool = self.host.bare_pool();
        let ended = async || process::end(pool, self.process).await;
        // Connections may have been cut while nobody used them: one that is made now is not.
        for _ in 0..BARE_CONNECTIONS {
            if ended().await.is_ok() {
                return Ok(());
            }
        }
        Ok(ended().await?)
    }

    /// Waits until it is stopped, or something in it ends that should not.
    pub async fn stopped(&self) {
        self.tasks.stop().cancelled().await;
    }
}

/// Starts a service. Beside it comes its `OpenAPI` document, without the operators' routes, which are the same everywhere: a
/// tree that is large beside all else that a service keeps, so only tests do.
#[allow(
    clippy::too_many_lines,
    reason = "one line for each thing that is started, in their order"
)]
pub async fn start<D: Domain + Clone>(
    definition: Definition<D>,
    mut settings: Settings,
    metrics: Option<Metrics>,
    stop: CancellationToken,
) -> anyhow::Result<(Running, OpenApi)> {
    let service = D::SERVICE;
    for reporting in [messaging::METRICS, definition.metrics] {
        telemetry::describe(reporting);
    }
    let faces = Faces {
        about: definition.about,
        edge: definition.edge,
        operators: definition.operators,
        routes: definition.routes,
    };
    let verifier = settings.auth.take().and_then(AuthConfig::verifier);
    let verifier = verifier.context("tokens cannot be verified with these settings")?;
    let verifier = Arc::new(verifier);
    let server = Server::bind(settings.server.clone()).await?;
    let admin = match settings.admin {
        Some(address) => {
            let config = ServerConfig {
                address,
                ..settings.server.clone()
            };
            Some(Server::bind(config).await?)
        }
        None => None,
    };
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
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
    database::patiently(async || database::prepare(&bare_pool, definition.migrations).await)
        .await?;
    let left =
        database::patiently(async || resume(&bare_pool, &settings, service, process).await).await?;
    if let Some(folder) = &settings.archive_folder {
        database::patiently(async || Ok(archive::open(&bare_pool, folder).await?)).await?;
    }
    if let Some(positions) = settings.log_partition_positions {
        let set = async || Ok(archive::set_partition_positions(&bare_pool, positions).await?);
        database::patiently(set).await?;
    }
    let writer = Writer {
        service,
        partitions: settings.partitions,
        schema_ids: database::patiently(async || Ok(SchemaIds::open(&bare_pool).await?)).await?,
        lock: messaging::Lock::Log,
    };
    let client = reqwest::Client::builder()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(2)
        .build()?;
    let queue = Queue::default();
    let head = database::patiently(async || Ok(messaging::log::head(&bare_pool).await?)).await?;
    let committed = Arc::new(watch::Sender::new(head));
    let tasks = Tasks::new(stop);
    if let Some(password) = settings.password_file.take() {
        let pools = [pool.clone(), bare_pool.clone()];
        tasks.spawn(
            "database_password",
            password.follow(pools, tasks.stop().clone()),
        );
    }
    if let Some(refresh) = verifier.refresh(tasks.stop().clone()) {
        tasks.spawn("jwt_keys", refresh);
    }
    let engine_writer = Writer {
        lock: D::LOCK,
        ..writer.clone()
    };
    let replays = replays::start(
        &definition.domain,
        (&pool, &bare_pool),
        &engine_writer,
        &settings,
        &tasks,
    )
    .await?;
    let health = Health::default();
    let engine = Engine::new(
        definition.domain,
        pool.clone(),
        engine_writer.clone(),
        queue.clone(),
        Arc::clone(&committed),
    );
    let engine = engine
        .with_health(health.clone())
        .tracing(traces::recorder());
    let engine = Arc::new(engine);
    let host = Host(Arc::new(Inner {
        service,
        pool: pool.clone(),
        bare_pool,
        guard,
        writer: writer.clone(),
        engine_writer: engine_writer.clone(),
        flow: queue.flow(),
        committed: Arc::clone(&committed),
        health,
        limits: settings.limits,
        tasks: tasks.clone(),
        modes: settings.modes.clone(),
        internal_key: settings.internal_key.clone(),
        client,
        urls: settings.urls.clone(),
        replays,
        command_log: D::COMMAND_LOG,
        retry_queue_changed: engine.retry_queue_changed(),
        dry_run: Box::new(Arc::clone(&engine)),
    }));

    let (surface, document) = surface(&host, &faces, &settings);
    schedule_retries(&pool, engine_writer, &queue, &engine, &tasks);
    tasks.spawn("engine", engine.run(tasks.stop().clone(), left.deaths > 0));
    let reporting = gauges::report(
        host.bare_pool().clone(),
        host.health().clone(),
        definition.gauges,
        tasks.stop().clone(),
    );
    tasks.spawn("gauges", reporting);
    let settings = Arc::new(settings);
    let source = Source {
        pool,
        service: service.name(),
        schema_ids: writer.schema_ids,
        committed: committed.subscribe(),
        spans: traces::recorder(),
    };
    transports::relay(
        &host,
        Arc::clone(&settings),
        source,
        definition.jobs,
        &tasks,
    );
    transports::consume(&host, &settings, &queue, host.health(), &tasks);
    let (pool, health) = (host.pool().clone(), host.health().clone());
    let pace = gap::Pace::default();
    let watching = gap::watch(pool, health, host.sources(), pace, tasks.stop().clone());
    tasks.spawn("gaps", watching);
    if left.commands_at_the_broker {
        transports::drain(&host, &settings, &queue, &tasks);
    }
    let address = server.local_addr()?;
    let shell = shell(&host, &settings, verifier, metrics);
    let mut public = shell.clone();
    if let (Some(server), Some(groups)) = (admin, surface.admin) {
        let serving = server.serve(shell.wrap_groups(groups), tasks.stop().clone());
        tasks.spawn("admin", serving);
        public = public.only_alive();
    }
    let router = public.wrap_groups(surface.public);
    let serving = server.serve(router, tasks.stop().clone());
    tasks.spawn("http", serving);
    tracing::info!(service = service.name(), %address, mode = settings.modes.of(service).name(), "started");
    let running = Running {
        address,
        host,
        tasks,
        process,
    };
    Ok((running, document))
}

/// Starts the retry scheduler, and what redrives for operators.
fn schedule_retries<D: Domain>(
    pool: &PgPool,
    writer: Writer,
    queue: &Queue,
    engine: &Engine<D>,
    tasks: &Tasks,
) {
    let scheduling = retry_scheduler::run(
        pool.clone(),
        writer.schema_ids.clone(),
        queue.flow(),
        engine.retry_queue_changed(),
        tasks.stop().clone(),
    );
    tasks.spawn("retry_scheduler", scheduling);
    let changed = engine.retry_queue_changed();
    let redriven = retry_queue::redrive::run(pool.clone(), writer, changed, tasks.stop().clone());
    tasks.spawn("redrive", redriven);
}

/// What earlier processes of the service left behind.
struct Left {
    /// So many died since the last start.
    deaths: u64,
    /// The service took commands from the broker, and now does no more.
    commands_at_the_broker: bool,
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

/// What a service shows of itself.
struct Faces {
    about: &'static str,
    edge: Routes,
    operators: Routes,
    routes: Routes,
}

/// Its routes: all of them, or apart what operators and services ask at a port of their own.
struct Surface {
    public: Groups,
    admin: Option<Groups>,
}

fn surface(host: &Host, faces: &Faces, settings: &Settings) -> (Surface, OpenApi) {
    let service = host.service();
    let base = chassis::openapi::base(&format!("Tributary {}", service.name()), faces.about);
    let (edge, edge_document) = (faces.edge)(host).split_for_parts();
    let mut routes = OpenApiRouter::with_openapi(base.merge_from(edge_document));
    let closed = service != Service::Bff && settings.modes.of(service) == Mode::Event;
    if !closed {
        routes = routes.merge((faces.routes)(host));
        if service.commands_topic().is_some() {
            routes = routes.merge(commands::routes(host));
        }
    }
    let mut apart = OpenApiRouter::new();
    if settings.admin.is_some() {
        apart = (faces.operators)(host);
    } else {
        routes = routes.merge((faces.operators)(host));
    }
    let (routes, document) = routes.split_for_parts();
    let (apart, also) = apart.split_for_parts();
    let (operators, shared) = operator::routes(host).split_for_parts();
    let all =
        chassis::openapi::off_thread(|| whole(service, document.clone().merge_from(also), shared));
    let transport = between_services(host, settings);
    let surface = if settings.admin.is_some() {
        let own = chassis::openapi::off_thread(|| chassis::openapi::text(document.clone()));
        Surface {
            public: Groups {
                own: chassis::openapi::pages(routes, own),
                edge,
                ..Groups::default()
            },
            admin: Some(Groups {
                own: chassis::openapi::pages(apart.merge(operators), all),
                transport,
                ..Groups::default()
            }),
        }
    } else {
        let own = chassis::openapi::pages(routes.merge(operators), all);
        Surface {
            public: Groups {
                own,
                edge,
                transport,
            },
            admin: None,
        }
    };
    (surface, document)
}

/// What other services ask, in every mode.
fn between_services(host: &Host, settings: &Settings) -> Router {
    let service = host.service();
    // The bff makes its read models again from it.
    let history = messaging::transport::history::router(
        host.pool().clone(),
        host.schema_ids().clone(),
        settings.internal_key.clone(),
        service,
    );
    let resends = messaging::transport::resend::router(
        host.pool().clone(),
        host.writer().clone(),
        settings.internal_key.clone(),
        host.relayed_topics(),
    );
    let batches = messaging::transport::http::router(
        Receiver::new(host.pool().clone(), host.flow()),
        settings.internal_key.clone(),
        service,
        settings.modes.clone(),
        host.health().clone(),
    );
    history.merge(resends).merge(batches)
}

/// What is served: with the operators' routes, at the bff those of all services.
fn whole(service: Service, own: OpenApi, operators: OpenApi) -> String {
    let others = Service::ALL.into_iter().filter(|other| *other != service);
    let handed_on = others.filter(|_| service == Service::Bff).map(|other| {
        let mut document = operator::document(other);
        chassis::openapi::refuse(&mut document, &[BAD_GATEWAY, SERVICE_UNAVAILABLE]);
        document
    });
    let all = [operators].into_iter().chain(handed_on);
    chassis::openapi::text(all.fold(own, OpenApi::merge_from))
}

fn shell(
    host: &Host,
    settings: &Settings,
    verifier: Arc<Verifier>,
    metrics: Option<Metrics>,
) -> Shell {
    let (ready_host, keys) = (host.clone(), Arc::clone(&verifier));
    let mut probes = Probes::new(host.service().name())
        .ready_when(move || ready::checks(ready_host.clone(), Arc::clone(&keys)));
    if let Some(metrics) = metrics {
        let upkeep = metrics.clone();
        let stop = host.tasks().stop().clone();
        host.tasks()
            .spawn("metrics", async move { upkeep.upkeep(stop).await });
        probes = probes.metrics(metrics);
    }
    Shell::new(probes, settings.limits)
        .verifier(verifier)
        .rate_limits(settings.rate_limits)
        .hasher(Arc::new(RequestHasher::new(&settings.lasting_keys)))
}
