//! From settings to a running service, and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chassis::auth::{AuthConfig, Verifier};
use chassis::http::{Server, ServerConfig, Shell};
use chassis::telemetry::{self, Metrics};
use futures::future::LocalBoxFuture;
use messaging::gauges::{self, Gauge};
use messaging::relay::Source;
use messaging::transport::Peers;
use messaging::transport::statistics::BrokerStatistics;
use messaging::{
    DryRun, DynDomain, Engine, Health, Lock, Queue, Tasks, Writer, clock, gap, process,
    retry_scheduler,
};
use operations::Process;
use operations::replay::{self, Replays};
use operations::retry_queue::redrive;
use schemas::Service;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use uuid::Uuid;

use crate::definition::Definition;
use crate::host::{Host, Parts};
use crate::opened::{BARE_CONNECTIONS, Opened};
use crate::settings::Settings;
use crate::surface::{Faces, Surface, shell, surface};
use crate::{api_keys, database, personal_keys, traces, transports};

/// What requests that came before the stop ask for is handled for so long after it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// What runs has so long to end, beyond what requests have: less than whoever stops it waits.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// A started service.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// As its routes see it.
    pub host: Host,
    tasks: Tasks,
    process: Uuid,
    drain: Duration,
}

impl Running {
    /// Stops it and waits until nothing of it runs. What it wrote last is then that it stopped by itself; not where it did not, or a task
    /// of it broke: at its next start it looks for what broke it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.tasks.stop().cancel();
        // A connection that is dead and does not tell so keeps who asked by it.
        let finished =
            tokio::time::timeout(self.drain + STOP_PATIENCE, self.tasks.finished()).await;
        finished.context("it did not stop in time")?;
        if self.tasks.broke() {
            bail!("a task ended that should not");
        }
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
pub fn start<D>(
    definition: Definition<D>,
    settings: Settings,
    metrics: Option<Metrics>,
    stop: CancellationToken,
) -> Starting {
    Box::pin(run(definition.untyped(), settings, metrics, stop))
}

type Starting = LocalBoxFuture<'static, anyhow::Result<(Running, OpenApi)>>;

async fn run(
    definition: Definition<()>,
    mut settings: Settings,
    metrics: Option<Metrics>,
    stop: CancellationToken,
) -> anyhow::Result<(Running, OpenApi)> {
    let domain = Arc::clone(&definition.domain.0);
    let service = domain.service();
    for reporting in [messaging::METRICS, operations::METRICS, definition.metrics] {
        telemetry::describe(reporting);
    }
    let faces = Faces::of(&definition);
    let verifier = settings.auth.take().and_then(AuthConfig::verifier);
    let verifier = verifier.context("tokens cannot be verified with these settings")?;
    let drain = settings.server.drain_timeout;
    let ports = Ports::bind(&settings).await?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let opened = Opened::of(service, definition.migrations, &settings).await?;
    if definition.personal_keys {
        let keep = async || Ok(personal_keys::keep_under_current(&opened.bare_pool).await?);
        database::patiently(keep).await?;
    }
    let verifier = if definition.api_keys {
        verifier.with_api_keys(Arc::new(api_keys::Rows(opened.pool.clone())))
    } else {
        verifier
    };
    let verifier = Arc::new(verifier);
    let tasks = Tasks::new(stop);
    follow_credentials(&mut settings, &opened, &verifier, &tasks);
    let queue = Queue::of(service).with_facts_waiting(domain.facts_wait());
    let host = host(service, &opened, &queue, &settings, &tasks)?;
    let engine_writer = host.writer().clone().with(domain.lock());
    let replays = replays(&domain, &host, &engine_writer).await?;
    let engine = engine(Arc::clone(&domain), &host, &engine_writer, &queue);
    let broker = BrokerStatistics::of(&settings.broker).context("a client of PULSAR_ADMIN_URL")?;
    let operated = operated(&host, &engine, &engine_writer, replays, broker, &settings);
    let (surface, document, scopes) = surface(&host, operated, &faces, &settings);
    schedule_retries(&host, engine_writer, &queue, (&engine, domain.as_ref()));
    let is_suspicious = opened.left.deaths > 0;
    tasks.spawn("engine", engine.run(answered(&tasks), is_suspicious));
    report_figures(&host, definition.gauges);
    let settings = Arc::new(settings);
    transports::relay(&host, Arc::clone(&settings), source(&host), definition.jobs);
    transports::consume(&host, &settings, &queue, domain.decoded_later());
    watch_head(&host);
    watch_gaps(&host);
    if opened.left.commands_at_the_broker {
        transports::drain(&host, &settings, &queue);
    }
    let shell = shell(
        &host,
        &settings,
        verifier,
        metrics,
        definition.outlives_database,
    )
    .route_scopes(scopes);
    let address = ports.serve(surface, &shell, &tasks)?;
    tracing::info!(service = service.name(), %address, mode = settings.modes.of(service).name(), "started");
    let running = Running {
        address,
        host,
        tasks,
        process: opened.process,
        drain,
    };
    Ok((running, document))
}

/// Cancelled once all requests are answered after a stop, or [`ANSWERED_WITHIN`] after it.
fn answered(tasks: &Tasks) -> CancellationToken {
    let (answered, serving) = (CancellationToken::new(), tasks.clone());
    let cancelled = answered.clone();
    tasks.spawn("answered", async move {
        serving.stop().cancelled().await;
        let _some_wait_for_more = tokio::time::timeout(ANSWERED_WITHIN, serving.drained()).await;
        cancelled.cancel();
    });
    answered
}

/// Where it listens: everything at one port, or apart what operators, services and Prometheus ask.
struct Ports {
    public: Server,
    admin: Option<Server>,
}

impl Ports {
    async fn bind(settings: &Settings) -> anyhow::Result<Self> {
        let public = Server::bind(settings.server.clone()).await?;
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
        Ok(Self { public, admin })
    }

    /// Returns the public address.
    fn serve(self, surface: Surface, shell: &Shell, tasks: &Tasks) -> anyhow::Result<SocketAddr> {
        let address = self.public.local_addr()?;
        let mut public = shell.clone();
        if let (Some(server), Some(groups)) = (self.admin, surface.admin) {
            let serving = server.serve(shell.wrap_groups(groups), tasks.stop().clone());
            tasks.spawn_serving("admin", serving);
            public = public.only_alive();
        }
        let router = public.wrap_groups(surface.public);
        let serving = self.public.serve(router, tasks.stop().clone());
        tasks.spawn_serving("http", serving);
        Ok(address)
    }
}

/// Takes over the database's password and the keys of tokens as they change.
fn follow_credentials(
    settings: &mut Settings,
    opened: &Opened,
    verifier: &Arc<Verifier>,
    tasks: &Tasks,
) {
    if let Some(password) = settings.password_file.take() {
        let pools = [opened.pool.clone(), opened.bare_pool.clone()];
        tasks.spawn(
            "database_password",
            password.follow(pools, tasks.stop().clone()),
        );
    }
    if let Some(refresh) = verifier.refresh(tasks.stop().clone()) {
        tasks.spawn("jwt_keys", refresh);
    }
}

fn host(
    service: Service,
    opened: &Opened,
    queue: &Queue,
    settings: &Settings,
    tasks: &Tasks,
) -> anyhow::Result<Host> {
    let client = peer_client()?;
    Ok(Host::new(Parts {
        pool: opened.pool.clone(),
        bare_pool: opened.bare_pool.clone(),
        guard: opened.guard.clone(),
        writer: Writer::of(service, settings.partitions, opened.schema_ids.clone()),
        flow: queue.flow(),
        committed: Arc::new(watch::Sender::new(opened.head)),
        looked: Arc::default(),
        health: Health::default(),
        limits: settings.limits,
        tasks: tasks.clone(),
        modes: settings.modes.clone(),
        peers: Peers {
            client,
            key: settings.internal_key.clone(),
            me: service,
            urls: settings.urls.clone(),
        },
    }))
}

/// Shared by all that asks other services.
fn peer_client() -> reqwest::Result<reqwest::Client> {
    Peers::client()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(2)
        .build()
}

/// The worker that makes tables again when an operator asks for it.
async fn replays(
    domain: &Arc<dyn DynDomain>,
    host: &Host,
    engine_writer: &Writer,
) -> anyhow::Result<Replays> {
    let tables = domain.tables();
    let pool = host.bare_pool();
    let note = async || Ok(replay::note_fold_version(pool, &tables).await?);
    database::patiently(note).await?;
    Replays::start(
        domain,
        host.pool(),
        engine_writer,
        host.peers(),
        host.tasks(),
    )
    .context("an HTTP client for replays")
}

fn engine(
    domain: Arc<dyn DynDomain>,
    host: &Host,
    engine_writer: &Writer,
    queue: &Queue,
) -> Arc<Engine> {
    let engine = Engine::new(
        domain,
        host.pool().clone(),
        engine_writer.clone(),
        queue.clone(),
        Arc::clone(host.head()),
    );
    let engine = engine
        .with_health(host.health().clone())
        .tracing(traces::recorder());
    Arc::new(engine)
}

/// What operators act upon.
fn operated(
    host: &Host,
    engine: &Arc<Engine>,
    engine_writer: &Writer,
    replays: Replays,
    broker: Option<BrokerStatistics>,
    settings: &Settings,
) -> Process {
    Process {
        pool: host.pool().clone(),
        bare_pool: host.bare_pool().clone(),
        guard: host.guard().clone(),
        writer: host.writer().clone(),
        engine_writer: engine_writer.clone(),
        command_log: engine.domain().command_log(),
        dry_run: Arc::clone(engine) as Arc<dyn DryRun>,
        retry_queue_changed: engine.retry_queue_changed(),
        committed: Arc::clone(host.head()),
        replays,
        peers: host.peers().clone(),
        modes: host.modes().clone(),
        health: host.health().clone(),
        broker,
        has_test_clock: settings.profile.is_local(),
        body_bytes: host.limits().operator_body_bytes(),
        stop: host.tasks().stop().clone(),
    }
}

/// Starts the retry scheduler, and what redrives for operators.
fn schedule_retries(
    host: &Host,
    engine_writer: Writer,
    queue: &Queue,
    (engine, domain): (&Engine, &dyn DynDomain),
) {
    let (pool, tasks) = (host.pool(), host.tasks());
    let is_folded = domain.lock() == Lock::ReadModels;
    let scheduling = retry_scheduler::run(
        pool.clone(),
        engine_writer.schema_ids.clone(),
        queue.flow(),
        engine.retry_queue_changed(),
        host.looked().subscribe(),
        is_folded.then(|| domain.tables().fold_version - 1),
        tasks.stop().clone(),
    );
    tasks.spawn("retry_scheduler", scheduling);
    let changed = engine.retry_queue_changed();
    let (looked, stop) = (host.looked().subscribe(), tasks.stop().clone());
    let redriven = redrive::run(pool.clone(), engine_writer, changed, looked, stop);
    tasks.spawn("redrive", redriven);
}

fn report_figures(host: &Host, own: &'static [Gauge]) {
    let (pool, health) = (host.bare_pool().clone(), host.health().clone());
    let reporting = gauges::report(pool, health, own, host.tasks().stop().clone());
    host.tasks().spawn("gauges", reporting);
}

/// What the relay ships.
fn source(host: &Host) -> Source {
    Source {
        pool: host.pool().clone(),
        writer: host.writer().clone(),
        committed: host.head().subscribe(),
        spans: traces::recorder(),
    }
}

/// Has this process know of what others commit, and go by the test clock where there is one.
fn watch_head(host: &Host) {
    let (committed, looked) = (Arc::clone(host.head()), Arc::clone(host.looked()));
    let (pool, stop) = (host.pool().clone(), host.tasks().stop().clone());
    let watching = clock::watch_head(pool, host.writer().clone(), committed, looked, stop);
    host.tasks().spawn("log_head", watching);
}

/// Has sources send again what is missing here.
fn watch_gaps(host: &Host) {
    let watching = gap::watch(
        host.pool().clone(),
        host.health().clone(),
        host.peers().clone(),
        gap::Pace::default(),
        host.tasks().stop().clone(),
    );
    host.tasks().spawn("gaps", watching);
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::response::Redirect;
    use axum::routing::post;
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn what_a_peer_is_sent_goes_nowhere_else_though_it_names_another_address() {
        let router = Router::new()
            .route("/peer", post(async || Redirect::temporary("/elsewhere")))
            .route("/elsewhere", post(async || "taken"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/peer", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, router).into_future());
        let answer = peer_client().unwrap().post(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    }
}
