//! A whole stack for a run: servers, one or two replicas of each service, and the proxy between all of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use schemas::Service;

use super::external_producers;
use super::link::{Link, Owner, ReplicaId, Target};
use super::point::Traps;
use super::proxy::{Proxy, Upstream};
use super::random::Random;
use super::replica::{Launch, Replica};
use super::servers::Servers;
use devstack::binaries::link_or_copy;
use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::local::{SHORT_LIVED_BROKER, UNLIMITED};
use devstack::producers;
use devstack::progress::Progress;
use devstack::services::{self, Program};
use devstack::settings::{Mode, Settings, host_and_port, variable};
use devstack::stack::free_port;
use devstack::token::GenerateJwt;

/// Of every run: a visitor's hash is under it, and runs in other modes are compared by their rows (rule 8).
const LASTING_SECRET: &str = "the lasting secret of every chaos run, of 32 bytes";

/// Everything that a run breaks. Dropping it stops everything; the data stays.
#[derive(Debug)]
pub struct ChaosStack {
    layout: Layout,
    settings: Settings,
    built: PathBuf,
    /// The servers.
    pub servers: Servers,
    /// The processes of the services.
    pub replicas: Vec<Replica>,
    /// Every link of the proxy.
    pub links: Vec<Link>,
    /// Armed at named points.
    pub traps: Arc<Traps>,
    _proxy: Proxy,
}

impl ChaosStack {
    /// Starts everything and waits until it is ready.
    pub async fn start(
        folder: &Path,
        built: &Path,
        mode: Mode,
        replicas: u8,
        seed: u64,
    ) -> Result<Self> {
        let layout = Layout {
            state: folder.to_owned(),
            ..Layout::find()
        };
        for name in ["run", "logs", "bin", "simulator"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let mut settings = settings(&layout, mode)?;
        let servers = Servers::start(&layout, &mut settings, built).await?;
        services::start_one(Program::Simulator, &layout, &settings, built, Progress).await?;
        let ids = ids(replicas);
        let ports: BTreeMap<ReplicaId, u16> = ids.iter().map(|id| (*id, free_port())).collect();
        let links = links(&ids);
        let traps = Arc::new(Traps::default());
        let proxy = Proxy::start(&links, upstreams(&settings, &ports)?, Arc::clone(&traps))?;
        let mut running = Vec::new();
        for id in ids {
            let launch = Launch {
                id,
                port: ports[&id],
                binary: binary(&layout, built, id.service)?,
                environment: environment(&layout, &settings, id, ports[&id], &links)?,
                folder: folder.to_owned(),
            };
            let random = Random::new(seed, &format!("pauses of {id}"));
            running.push(Replica::keep(launch, Arc::clone(&traps), random));
        }
        let stack = Self {
            layout,
            settings,
            built: built.to_owned(),
            servers,
            replicas: running,
            links,
            traps,
            _proxy: proxy,
        };
        stack.ready().await?;
        Ok(stack)
    }

    /// Waits until every replica is ready.
    pub async fn ready(&self) -> Result<()> {
        for replica in &self.replicas {
            replica.ready().await?;
        }
        Ok(())
    }

    /// Where clients reach a service, or the provider: through the proxy.
    pub fn url(&self, target: Target) -> String {
        let port = port_of(&self.links, Owner::Clients, target);
        format!("http://127.0.0.1:{}", port.unwrap_or_default())
    }

    /// Our port that leads clients to the broker.
    pub fn broker_port(&self) -> Result<u16> {
        port_of(&self.links, Owner::Clients, Target::Broker).context("clients have every link")
    }

    /// A service's database, not through the proxy.
    pub fn database_url(&self, service: Service) -> Result<String> {
        self.settings.database_url(service)
    }

    /// The variables of the servers: the services' own differ in their addresses.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl ChaosStack {
    /// The folders.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl Tokens for ChaosStack {
    fn token(&self, arguments: &[&str]) -> Result<String> {
        GenerateJwt::new(&self.layout, &self.settings, &self.built).token(arguments)
    }
}

impl Drop for ChaosStack {
    fn drop(&mut self) {
        for replica in &self.replicas {
            self.traps
                .signal(replica.launch.id, devstack::stack::Signal::KILL);
        }
        self.replicas.clear();
        Program::Simulator.stop(&self.layout);
    }
}

fn settings(layout: &Layout, mode: Mode) -> Result<Settings> {
    let mut settings = Settings::beside_others(layout)?;
    settings.set_mode(mode);
    settings.set("PAYOUT_PROVIDER_TIMEOUT_MS", "1000");
    settings.set("LASTING_SECRET_KEY", LASTING_SECRET);
    settings.set("WEBHOOK_LOCAL_RECEIVERS", "true");
    // The whole workload comes from one address, and the broker ends with the run.
    for (name, value) in UNLIMITED.into_iter().chain(SHORT_LIVED_BROKER) {
        settings.set(name, value);
    }
    settings.set(producers::VARIABLE, external_producers::producers()?);
    Ok(settings)
}

fn ids(replicas: u8) -> Vec<ReplicaId> {
    // Followers before senders.
    let services = Service::ALL.into_iter().rev();
    let each = |service| (1..=replicas).map(move |number| ReplicaId { service, number });
    services.flat_map(each).collect()
}

/// Every process has ports of its own to everything, so that each connection tells whose it is.
fn links(ids: &[ReplicaId]) -> Vec<Link> {
    let owners = ids.iter().map(|id| Owner::Replica(*id));
    let services = Service::ALL.map(Target::Service);
    let targets = [Target::Database, Target::Broker, Target::Provider];
    let mut links = Vec::new();
    for owner in owners.chain([Owner::Clients]) {
        for target in targets.into_iter().chain(services) {
            links.push(Link::new(owner, target, free_port()));
        }
    }
    links
}

fn upstreams(settings: &Settings, ports: &BTreeMap<ReplicaId, u16>) -> Result<Vec<Upstream>> {
    let server = |target, url: &str| {
        let (_, port) = host_and_port(url)?;
        anyhow::Ok(Upstream {
            target,
            replica: None,
            port,
        })
    };
    let database = settings.own_database_port()?.context("our own Postgres")?;
    let mut all = vec![
        server(
            Target::Database,
            &format!("postgres://127.0.0.1:{database}"),
        )?,
        server(Target::Broker, settings.need("PULSAR_SERVICE_URL")?)?,
        server(Target::Provider, settings.need("PAYOUT_PROVIDER_URL")?)?,
    ];
    all.extend(ports.iter().map(|(id, port)| Upstream {
        target: Target::Service(id.service),
        replica: Some(*id),
        port: *port,
    }));
    Ok(all)
}

fn port_of(links: &[Link], owner: Owner, target: Target) -> Option<u16> {
    let link = links
        .iter()
        .find(|link| link.owner == owner && link.target == target);
    link.map(|link| link.port)
}

fn binary(layout: &Layout, built: &Path, service: Service) -> Result<PathBuf> {
    let source = built.join(service.name());
    let place = layout.state.join("bin").join(service.name());
    if !place.exists() {
        link_or_copy(&source, &place)
            .with_context(|| format!("{} is not built", source.display()))?;
    }
    Ok(place)
}

fn environment(
    layout: &Layout,
    settings: &Settings,
    id: ReplicaId,
    port: u16,
    links: &[Link],
) -> Result<BTreeMap<String, String>> {
    let mut own = settings.clone();
    let link =
        |target| port_of(links, Owner::Replica(id), target).context("every process has every link");
    own.set("POSTGRES_PORT", link(Target::Database)?.to_string());
    let broker = format!("pulsar://127.0.0.1:{}", link(Target::Broker)?);
    own.set("PULSAR_SERVICE_URL", broker);
    let provider = format!("http://127.0.0.1:{}", link(Target::Provider)?);
    own.set("PAYOUT_PROVIDER_URL", provider);
    for service in Service::ALL {
        let url = format!("http://127.0.0.1:{}", link(Target::Service(service))?);
        own.set(variable(service, "SERVICE_URL"), url);
    }
    let address = format!("127.0.0.1:{port}");
    own.set(variable(id.service, "LISTEN_ADDRESS"), address);
    Program::Service(id.service).environment(layout, &own)
}
