//! The programs of the local stack as background processes.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use schemas::Service;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::{Settings, host_and_port, variable};
use crate::stack::{Process, Signal, check_free, last_lines};

/// A program that `start.sh` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// One of the five services.
    Service(Service),
    /// The payout provider's stand-in.
    Simulator,
}

const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_secs(30);

impl Program {
    /// Followers before senders, so that a restart of several never leaves a sender without its follower for long.
    pub const START_ORDER: [Self; 6] = [
        Self::Simulator,
        Self::Service(Service::Payment),
        Self::Service(Service::Commission),
        Self::Service(Service::Tracking),
        Self::Service(Service::Campaign),
        Self::Service(Service::Bff),
    ];

    /// The binary's, log's and pid file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service(service) => service.name(),
            Self::Simulator => "simulator",
        }
    }

    /// The program of that name.
    pub fn parse(name: &str) -> Result<Self> {
        let names = Self::START_ORDER.map(Self::name).join(", ");
        let found = Self::START_ORDER
            .into_iter()
            .find(|program| program.name() == name);
        found.with_context(|| format!("there is no {name}; there are {names}"))
    }

    /// Where it listens.
    pub fn url(self, settings: &Settings) -> Result<&str> {
        match self {
            Self::Service(service) => settings.service_url(service),
            Self::Simulator => settings
                .need("PAYOUT_PROVIDER_URL")
                .map(|url| url.trim_end_matches('/')),
        }
    }

    /// What answers 200 when it is able to serve.
    pub fn ready_path(self) -> &'static str {
        match self {
            Self::Service(_) => "/ready",
            Self::Simulator => "/health",
        }
    }

    /// The whole environment of the process: what is secret only where it is needed.
    pub fn environment(
        self,
        layout: &Layout,
        settings: &Settings,
    ) -> Result<BTreeMap<String, String>> {
        let kept = ["PATH", "HOME", "TZ", "LANG", "RUST_BACKTRACE"];
        let kept = kept
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?)));
        let mut variables: BTreeMap<String, String> = kept.collect();
        let (host, port) = host_and_port(self.url(settings)?)?;
        let address = format!(
            "{}:{port}",
            if host == "localhost" {
                "127.0.0.1"
            } else {
                host
            }
        );
        let Self::Service(service) = self else {
            let books = layout.state.join("simulator/books");
            variables.insert("SIMULATOR_ADDRESS".into(), address);
            variables.insert("SIMULATOR_BOOKS".into(), books.display().to_string());
            return Ok(variables);
        };
        let seen = settings
            .iter()
            .filter(|(name, _)| !is_secret(name) || self.needs_secret(name));
        variables.extend(seen.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables.insert(
            variable(service, "DATABASE_URL"),
            settings.database_url(service)?,
        );
        variables
            .entry(variable(service, "LISTEN_ADDRESS"))
            .or_insert(address);
        Ok(variables)
    }

    fn needs_secret(self, name: &str) -> bool {
        let everyones = ["JWT_SECRET_KEY", "INTERNAL_SECRET_KEY", "PULSAR_TOKEN"];
        everyones.contains(&name)
            || (name == "PAYMENT_DATA_KEY" && self == Self::Service(Service::Payment))
    }

    fn files(self, layout: &Layout) -> Files {
        let file = |extension: &str| {
            layout
                .state
                .join("run")
                .join(format!("{}.{extension}", self.name()))
        };
        Files {
            pid: file("pid"),
            stamp: file("stamp"),
            log: layout.log(self.name()),
            binary: layout.state.join("bin").join(self.name()),
        }
    }

    /// The running process, if there is one.
    pub fn process(self, layout: &Layout) -> Option<Process> {
        Process::attach(&self.files(layout).pid)
    }

    /// Was it started, and ended without being stopped?
    pub fn has_died(self, layout: &Layout) -> bool {
        self.files(layout).pid.exists() && self.process(layout).is_none()
    }

    /// Stops it. True when it ran.
    pub fn stop(self, layout: &Layout) -> bool {
        let Some(mut process) = self.process(layout) else {
            return false;
        };
        if !process.stop(Signal::TERM, STOP_WITHIN) {
            println!(
                "    {} did not end within {STOP_WITHIN:?} and was killed",
                self.name()
            );
        }
        true
    }
}

fn is_secret(name: &str) -> bool {
    ["_PASSWORD", "_KEY", "_TOKEN", "_DATABASE_URL"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

struct Files {
    pid: PathBuf,
    stamp: PathBuf,
    log: PathBuf,
    binary: PathBuf,
}

/// Starts every program of which `built` has a binary and that does not run yet with this very binary and
/// environment; waits until each is ready.
pub async fn start(
    layout: &Layout,
    settings: &Settings,
    built: &Path,
    progress: Progress,
) -> Result<()> {
    for folder in ["run", "logs", "bin", "simulator"] {
        fs::create_dir_all(layout.state.join(folder))?;
    }
    let programs = Program::START_ORDER
        .into_iter()
        .filter(|program| built.join(program.name()).exists());
    let programs: Vec<Program> = programs.collect();
    for program in Program::START_ORDER
        .iter()
        .filter(|program| !programs.contains(program))
    {
        progress.note(&format!(
            "{}: not built yet, so not started",
            program.name()
        ));
    }
    for program in &programs {
        start_one(*program, layout, settings, built, progress).await?;
    }
    for program in programs {
        wait_for(program, program.ready_path(), layout, settings).await?;
    }
    Ok(())
}

/// Starts one program unless it runs as it should already.
pub async fn start_one(
    program: Program,
    layout: &Layout,
    settings: &Settings,
    built: &Path,
    progress: Progress,
) -> Result<()> {
    let files = program.files(layout);
    let source = built.join(program.name());
    let variables = program.environment(layout, settings)?;
    let stamp = stamp(&variables);
    if program.process(layout).is_some() {
        if fs::read_to_string(&files.stamp).is_ok_and(|running| running == stamp)
            && is_same(&source, &files.binary)
        {
            progress.note(&format!("{}: unchanged", program.name()));
            return Ok(());
        }
        program.stop(layout);
    }
    let url = program.url(settings)?;
    let (_, port) = host_and_port(url)?;
    let remedy = format!("give {} another address in .env", program.name());
    check_free(port, program.name(), &remedy)?;
    // A copy, moved into place: building again never touches a running process's file.
    let copy = files.binary.with_extension("new");
    fs::copy(&source, &copy)?;
    fs::rename(&copy, &files.binary)?;
    let mut command = std::process::Command::new(&files.binary);
    // Not in the clone, whose .env holds what this process need not see.
    command
        .env_clear()
        .envs(&variables)
        .current_dir(layout.state.join("run"));
    let mut process = Process::spawn(&mut command, &files.log, &files.pid, Signal::TERM)?;
    process.detach();
    fs::write(&files.stamp, stamp)?;
    wait_for(program, "/health", layout, settings).await?;
    progress.note(&format!(
        "{}: started at {url} (process {})",
        program.name(),
        process.pid()
    ));
    Ok(())
}

/// Of the variables; the binary is compared with the copy that runs.
fn stamp(variables: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    for (name, value) in variables {
        digest.update(format!("{name}={value}\0"));
    }
    crate::stack::hex(&digest.finalize())
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

async fn wait_for(
    program: Program,
    path: &str,
    layout: &Layout,
    settings: &Settings,
) -> Result<()> {
    let url = format!("{}{path}", program.url(settings)?);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()?;
    let end = Instant::now() + READY_WITHIN;
    let (name, log) = (program.name(), program.files(layout).log);
    loop {
        let said = match client.get(&url).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(problem) => problem.to_string(),
        };
        if program.process(layout).is_none() {
            bail!(
                "{name} ended. Its last words:\n{}\n  The whole log: {}. Mend what it says, then ./start.sh again.",
                last_lines(&log, 4),
                log.display()
            );
        }
        if Instant::now() >= end {
            bail!(
                "{name} runs, but {url} does not answer 200 after {READY_WITHIN:?}; it says: {said}\n  Last line of {}:\n{}",
                log.display(),
                last_lines(&log, 1)
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
}
