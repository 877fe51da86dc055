//! The programs of the local stack as background processes.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use schemas::Service;
use variables::is_loopback;

mod replica;
mod start;

use crate::layout::Layout;
use crate::producers;
use crate::settings::{Settings, host_and_port, variable};
use crate::stack::{Process, Signal, in_session};

pub use replica::Replica;
pub use start::{restart, start, start_one};

/// A program that `start.sh` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// One of the services.
    Service(Service),
    /// The payout provider's stand-in.
    Simulator,
}

const STOP_WITHIN: Duration = Duration::from_secs(30);

/// Starts a program, which outlives this process.
fn spawn(
    binary: &Path,
    variables: &BTreeMap<String, String>,
    layout: &Layout,
    log: &Path,
    pid_file: &Path,
) -> Result<Process> {
    let mut command = in_session(binary);
    // Not in the clone, whose .env holds what this process need not see.
    command
        .env_clear()
        .envs(variables)
        .current_dir(layout.state.join("run"));
    let mut process = Process::spawn(&mut command, log, pid_file, Signal::TERM)?;
    process.detach();
    Ok(process)
}

impl Program {
    /// Followers before senders, so that a restart of several never leaves a sender without its follower for long.
    pub const START_ORDER: [Self; Service::ALL.len() + 1] = {
        let services = Service::ALL.len();
        let mut order = [Self::Simulator; Service::ALL.len() + 1];
        let mut at = 0;
        while at < services {
            order[services - at] = Self::Service(Service::ALL[at]);
            at += 1;
        }
        order
    };

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

    /// Whether it is ours to run: a payout provider elsewhere needs no stand-in.
    pub fn is_ours(self, settings: &Settings) -> Result<bool> {
        Ok(match self {
            Self::Service(_) => true,
            Self::Simulator => is_loopback(host_and_port(self.url(settings)?)?.0),
        })
    }

    /// The variable that says where it listens.
    pub fn url_variable(self) -> String {
        match self {
            Self::Service(service) => variable(service, "SERVICE_URL"),
            Self::Simulator => "PAYOUT_PROVIDER_URL".to_owned(),
        }
    }

    /// The ports at which it listens, each with the variable that says so.
    pub fn ports(self, settings: &Settings) -> Result<Vec<(String, u16)>> {
        let mut ports = vec![(self.url_variable(), host_and_port(self.url(settings)?)?.1)];
        if let Self::Service(service) = self {
            let second = variable(service, "ADMIN_URL");
            if let Some(url) = settings.get(&second) {
                ports.push((second, host_and_port(url)?.1));
            }
        }
        Ok(ports)
    }

    /// The one whose process this is.
    pub fn of(pid: u32, layout: &Layout) -> Option<Self> {
        let is_its = |program: &Self| program.process(layout).is_some_and(|it| it.pid() == pid);
        Self::START_ORDER.into_iter().find(is_its)
    }

    /// What answers 200 when it is able to serve.
    pub fn ready_url(self, settings: &Settings) -> Result<String> {
        match self {
            Self::Service(service) => Ok(format!("{}/ready", settings.admin_url(service)?)),
            Self::Simulator => Ok(format!("{}/health", self.url(settings)?)),
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
        // glibc: give large buffers back at once, so that a service is small again after a burst.
        for name in ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"] {
            variables.insert(name.to_owned(), "65536".to_owned());
        }
        let address = address(self.url(settings)?)?;
        let Self::Service(service) = self else {
            let ledger = layout.state.join("simulator/books");
            variables.insert("SIMULATOR_ADDRESS".into(), address);
            variables.insert("SIMULATOR_BOOKS".into(), ledger.display().to_string());
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
        if let Some(tokens) = settings.broker_tokens()? {
            variables.insert("PULSAR_TOKEN".into(), tokens.token(service.name())?);
        }
        let archive = variables.entry("ARCHIVE_FOLDER".to_owned()).or_default();
        if archive.is_empty() {
            *archive = layout.state.join("archive").display().to_string();
        }
        variables
            .entry(variable(service, "LISTEN_ADDRESS"))
            .or_insert(address);
        if let Some(url) = settings.get(&variable(service, "ADMIN_URL")) {
            let name = variable(service, "ADMIN_ADDRESS");
            variables.entry(name).or_insert(self::address(url)?);
        }
        Ok(variables)
    }

    fn needs_secret(self, name: &str) -> bool {
        let everyones = [
            "JWT_SECRET_KEY",
            "JWT_ACCEPTED_SECRET_KEYS",
            "JWT_PUBLIC_KEY",
            "INTERNAL_SECRET_KEY",
            "INTERNAL_ACCEPTED_SECRET_KEYS",
            "LASTING_SECRET_KEY",
            "LASTING_ACCEPTED_SECRET_KEYS",
            "PULSAR_TOKEN",
        ];
        let payments = ["PAYMENT_DATA_KEY", "PAYMENT_ACCEPTED_DATA_KEYS"];
        let commanded = Self::Service(Service::Bff) != self;
        everyones.contains(&name)
            || (name == producers::VARIABLE && commanded)
            || (payments.contains(&name) && self == Self::Service(Service::Payment))
            || (["SMTP_PASSWORD", "CRM_TOKEN", "TEXT_PASSWORD"].contains(&name)
                && self == Self::Service(Service::Notify))
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

/// What to open for a URL of this machine.
fn address(url: &str) -> Result<String> {
    let (host, port) = host_and_port(url)?;
    let host = if host == "localhost" {
        "127.0.0.1"
    } else {
        host
    };
    Ok(format!("{host}:{port}"))
}

fn is_secret(name: &str) -> bool {
    [
        "_PASSWORD",
        "_KEY",
        "_KEYS",
        "_TOKEN",
        "_DATABASE_URL",
        "POSTGRES_ADMIN_URL",
        producers::VARIABLE,
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
}

struct Files {
    pid: PathBuf,
    stamp: PathBuf,
    log: PathBuf,
    binary: PathBuf,
}
