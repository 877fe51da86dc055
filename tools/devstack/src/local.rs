//! A whole stack of a test's own: servers, services and simulator on free ports in a folder of the test run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use schemas::Service;
use tokio::sync::OnceCell;

use crate::demo::Tokens;
use crate::layout::Layout;
use crate::progress::Progress;
use crate::services::{self, Program, Replica};
use crate::settings::{Mode, Settings};
use crate::stack::testing::{in_memory, scratch};
use crate::stack::{Postgres, Pulsar, SHORT_LIVED, Signal, free_port, run};
use crate::token::GenerateJwt;
use crate::{demo, infra};

/// Without limits of requests: what makes load comes from one address, and speaks for few.
pub const UNLIMITED: [(&str, &str); 2] = [
    ("RATE_LIMIT_PER_SECOND", "0"),
    ("ADDRESS_RATE_LIMIT_PER_SECOND", "0"),
];

/// For a broker that does not live long enough for what Java's second compiler would give.
pub const SHORT_LIVED_BROKER: [(&str, &str); 1] = [(infra::PULSAR_EXTRA_OPTS, SHORT_LIVED)];

/// Starts a stack's Postgres, in which each service has made its tables.
pub async fn start_database(
    layout: &Layout,
    settings: &mut Settings,
    built: &Path,
) -> Result<Postgres> {
    static MIGRATED: OnceCell<PathBuf> = OnceCell::const_new();
    let template = MIGRATED
        .get_or_try_init(async || migrated(settings.clone(), built).await)
        .await?;
    start_copy(template, layout, settings).await
}

async fn start_copy(template: &Path, layout: &Layout, settings: &mut Settings) -> Result<Postgres> {
    let (place, folder) = (in_memory("postgres"), layout.state.join("postgres"));
    let server = Postgres::start_copy(template, place.as_deref(), &folder, free_port()).await?;
    settings.set("POSTGRES_HOST", "127.0.0.1");
    settings.set("POSTGRES_PORT", server.port().to_string());
    Ok(server)
}

/// The folder of a server, stopped, at which each service has made its tables: to make them anew for each stack takes the server half of
/// what a short test needs of it.
async fn migrated(mut settings: Settings, built: &Path) -> Result<PathBuf> {
    let clone = Layout::find();
    let empty = Postgres::template(&clone).await?;
    let layout = Layout {
        state: scratch("migrated"),
        ..clone
    };
    let mut server = start_copy(&empty, &layout, &mut settings).await?;
    infra::postgres(&layout, &settings, &Progress).await?;
    for program in Service::ALL.map(Program::Service) {
        let mut migrate = Command::new(built.join(program.name()));
        migrate
            .arg("migrate")
            .env_clear()
            .envs(program.environment(&layout, &settings)?);
        run(&mut migrate)?;
    }
    server.stop();
    Ok(layout.state.join("postgres"))
}

/// What a stack shares with others that have their topics at the same broker.
const OF_BROKER: [&str; 4] = [
    "PULSAR_SERVICE_URL",
    "PULSAR_ADMIN_URL",
    "PULSAR_SECRET_KEY",
    infra::PULSAR_EXTRA_OPTS,
];

/// Gives a stack a namespace of its own at the broker of all stacks of this process, which takes as long to start as the services. It
/// ends with the test run.
async fn share_broker(layout: &Layout, settings: &mut Settings) -> Result<()> {
    static SHARED: OnceCell<(PathBuf, Settings)> = OnceCell::const_new();
    let link = layout.state.join("pulsar");
    if fs::symlink_metadata(&link).is_ok() {
        return Ok(());
    }
    let (folder, shared) = SHARED.get_or_try_init(shared_broker).await?;
    for name in OF_BROKER {
        settings.set(name, shared.need(name)?);
    }
    let namespace = layout.state.file_name().unwrap_or_default();
    settings.set("PULSAR_NAMESPACE", namespace.to_string_lossy());
    Ok(symlink(folder, link)?)
}

async fn shared_broker() -> Result<(PathBuf, Settings)> {
    let layout = Layout {
        state: scratch("broker"),
        ..Layout::find()
    };
    let mut settings = Settings::beside_others(&layout)?;
    // Its topics are those of every stack.
    settings.set(infra::PULSAR_EXTRA_OPTS, format!("{SHORT_LIVED} -Xmx1g"));
    let ports = settings.own_broker_ports()?.context("our broker")?;
    let setup = infra::broker_setup(&layout, &settings)?;
    let folder = layout.state.join("pulsar");
    Pulsar::start_with(&folder, ports, setup).await?.detach();
    Ok((folder, settings))
}

/// Everything that `start.sh` runs. Dropping it stops everything and removes the data.
#[derive(Debug)]
pub struct LocalStack {
    layout: Layout,
    settings: Settings,
    built: PathBuf,
    /// Whether others of this process have their topics at the same broker.
    shares_broker: bool,
}

impl LocalStack {
    /// Starts servers and services in one mode, with the binaries that `./test.sh` has built (`target/debug`).
    pub async fn start(mode: Mode) -> Result<Self> {
        Self::start_with(mode, &[]).await
    }

    /// The same with other variables.
    pub async fn start_with(mode: Mode, variables: &[(&str, &str)]) -> Result<Self> {
        let mut stack = Self::prepare(Layout::find().built("debug")).await?;
        stack.shares_broker = true;
        stack.begin(mode, variables).await
    }

    /// The same with a broker that is nobody else's: one that is stopped, or that asks otherwise who is there.
    pub async fn start_with_broker(mode: Mode, variables: &[(&str, &str)]) -> Result<Self> {
        let variables = [&SHORT_LIVED_BROKER, variables].concat();
        Self::start_built(mode, Layout::find().built("debug"), &variables).await
    }

    /// The same with the binaries of another folder.
    pub async fn start_built(
        mode: Mode,
        built: PathBuf,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        Self::prepare(built).await?.begin(mode, variables).await
    }

    async fn begin(mut self, mode: Mode, variables: &[(&str, &str)]) -> Result<Self> {
        for (name, value) in variables {
            self.settings.set(*name, *value);
        }
        self.switch(mode).await?;
        Ok(self)
    }

    /// Its database, and nothing else yet.
    async fn prepare(built: PathBuf) -> Result<Self> {
        let clone = Layout::find();
        let layout = Layout {
            state: scratch("stack"),
            ..clone
        };
        let mut settings = Settings::beside_others(&layout)?;
        start_database(&layout, &mut settings, &built)
            .await?
            .detach();
        Ok(Self {
            layout,
            settings,
            built,
            shares_broker: false,
        })
    }

    /// The same as a managed broker and database are: TLS to both, with certificates that must be good, and a token of
    /// its own for each service.
    pub async fn start_managed(mode: Mode) -> Result<Self> {
        let mut stack = Self::prepare(Layout::find().built("debug")).await?;
        let ports = stack.settings.own_broker_ports()?.context("our broker")?;
        for (name, value) in [
            (
                "PULSAR_SERVICE_URL",
                format!("pulsar+ssl://127.0.0.1:{}", ports.broker),
            ),
            (
                "PULSAR_ADMIN_URL",
                format!("https://127.0.0.1:{}", ports.http),
            ),
            ("BROKER_AUTH", "token".to_owned()),
            ("DATABASE_SSL_MODE", "verify-full".to_owned()),
        ] {
            stack.settings.set(name, value);
        }
        for (name, value) in SHORT_LIVED_BROKER {
            stack.settings.set(name, value);
        }
        stack.settings.trust_local_servers(&stack.layout)?;
        stack.switch(mode).await?;
        Ok(stack)
    }

    /// Brings the stack into a mode: starts the broker if one is needed, restarts the services.
    pub async fn switch(&mut self, mode: Mode) -> Result<()> {
        self.settings.set_mode(mode);
        infra::postgres(&self.layout, &self.settings, &Progress).await?;
        if self.settings.uses_broker()? {
            if self.shares_broker {
                share_broker(&self.layout, &mut self.settings).await?;
            }
            infra::broker(&self.layout, &self.settings, &Progress).await?;
        }
        services::start(&self.layout, &self.settings, &self.built, Progress).await
    }

    /// Where a service listens.
    pub fn url(&self, service: Service) -> Result<&str> {
        self.settings.service_url(service)
    }

    /// A service's own database.
    pub fn database_url(&self, service: Service) -> Result<String> {
        self.settings.database_url(service)
    }

    /// The folder of its binaries.
    pub fn built(&self) -> &Path {
        &self.built
    }

    /// The variables that the stack runs with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same, to change for the next start.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The folders that it lives in.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Loads the demo people.
    pub async fn load_demo(&self) -> Result<()> {
        demo::load(&self.settings, self, Progress).await
    }

    /// Loads as much as is wanted.
    pub async fn load_sized_demo(&self, size: demo::Size) -> Result<()> {
        demo::load_sized(size, &self.settings, self, Progress).await
    }

    /// `kill -9` of one program.
    pub fn kill(&self, program: Program) -> Result<()> {
        let mut process = program.process(&self.layout).context("it does not run")?;
        process.kill();
        Ok(())
    }

    /// Starts a further process of a service.
    pub async fn start_replica(&self, service: Service) -> Result<Replica> {
        Replica::start(service, &self.layout, &self.settings).await
    }

    /// Starts what does not run, and does not wait until it is ready: with a fault it may never be.
    pub async fn revive(&self) -> Result<()> {
        let (layout, settings) = (&self.layout, &self.settings);
        for program in Program::START_ORDER {
            services::start_one(program, layout, settings, &self.built, Progress).await?;
        }
        Ok(())
    }

    /// Stops one program and starts it again with the settings there are now.
    pub async fn restart(&self, program: Program) -> Result<()> {
        services::restart(program, &self.layout, &self.settings, &self.built, Progress).await
    }

    /// Starts what does not run.
    pub async fn start_again(&self) -> Result<()> {
        services::start(&self.layout, &self.settings, &self.built, Progress).await
    }
}

impl Tokens for LocalStack {
    fn token(&self, arguments: &[&str]) -> Result<String> {
        GenerateJwt::new(&self.layout, &self.settings, &self.built).token(arguments)
    }
}

impl Drop for LocalStack {
    fn drop(&mut self) {
        // All at once: nothing of it is needed any more, and each waits a moment for what is under way.
        for program in Program::START_ORDER {
            if let Some(process) = program.process(&self.layout) {
                process.signal(Signal::TERM);
            }
        }
        Replica::stop_all(&self.layout);
        for program in Program::START_ORDER.into_iter().rev() {
            program.stop(&self.layout);
        }
        let broker = self.layout.state.join("pulsar");
        if self.shares_broker {
            let _none = fs::remove_file(&broker);
        } else {
            Pulsar::stop_in(&broker);
        }
        if let Err(problem) = Postgres::wipe(&self.layout.state.join("postgres")) {
            eprintln!("{problem:#}");
        }
        // A failed test's logs are worth keeping until the run is swept; a passed one's are not.
        if !std::thread::panicking() {
            let _swept_later = fs::remove_dir_all(&self.layout.state);
        }
    }
}
