//! A service's program: what it is told to do, and what it says when it cannot.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use chassis::config::{ConfigErrors, Env};
use chassis::http::{ServerConfig, cancel_on_signal, probe};
use chassis::telemetry;
use messaging::Domain;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schemas::Service;
use tikv_jemallocator::Jemalloc;
use variables::Version;

use crate::database;
use crate::definition::Definition;
use crate::settings::{Settings, default_address, read_admin};
use crate::start::start;

/// A message is many short texts: under load the C library spent a third of a service's time on them, and kept what it had got.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// `sysexits.h`: called in a way that it does not know.
const USAGE: u8 = 64;
/// `sysexits.h`: wrong configuration.
const CONFIGURATION: u8 = 78;

/// How long a process that stops waits for its last spans to be exported.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What the program is told by its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// Nothing: be the service, until a signal.
    Serve,
    /// Migrate the database and end.
    Migrate,
    /// Probe the service that runs here, on this path, and end.
    Probe(&'static str),
    /// Say which build it is, and end.
    Version,
}

impl Task {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let task = match arguments.next().as_deref() {
            None => Self::Serve,
            Some("migrate") => Self::Migrate,
            Some("health") => Self::Probe("/health"),
            Some("ready") => Self::Probe("/ready"),
            Some("--version" | "-V") => Self::Version,
            Some(other) => return Err(unknown(other)),
        };
        match arguments.next() {
            None => Ok(task),
            Some(more) => Err(unknown(&more)),
        }
    }
}

fn unknown(argument: &str) -> String {
    format!(
        "{argument} is unknown. Without arguments it serves; with one of these it does that and ends:
  migrate    brings its database's tables up to this build
  health     asks the one that runs here whether it is alive
  ready      asks it whether it is able to serve, and shows what it says
  --version  says which build it is"
    )
}

/// A service's whole `main`: serves until a signal, or does what its one argument says.
pub fn main<D: Domain>(version: Version, define: fn(&mut Env) -> Definition<D>) -> ExitCode {
    run(version, D::SERVICE, &|env| define(env).untyped())
}

type Define<'a> = &'a dyn Fn(&mut Env) -> Definition<()>;

fn run(version: Version, service: Service, define: Define<'_>) -> ExitCode {
    match Task::parse(std::env::args().skip(1)) {
        Ok(Task::Serve) => with_settings(service, define, serve),
        Ok(Task::Migrate) => with_settings(service, define, migrate),
        Ok(Task::Probe(path)) => probe_here(service, path),
        Ok(Task::Version) => {
            show(&format!("{} {version}", service.name()));
            ExitCode::SUCCESS
        }
        Err(usage) => {
            complain(&format!("{}: {usage}", service.name()));
            ExitCode::from(USAGE)
        }
    }
}

/// Reads everything that the service reads, and goes on only when all of it is right.
fn with_settings(
    service: Service,
    define: Define<'_>,
    task: impl AsyncFnOnce(Definition<()>, Settings) -> anyhow::Result<()>,
) -> ExitCode {
    let mut env = Env::from_process();
    let settings = Settings::read(&mut env, service);
    let definition = define(&mut env);
    if let Err(problems) = env.finish() {
        return misconfigured(service, &problems);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ran = match runtime {
        Ok(runtime) => runtime.block_on(task(definition, settings)),
        Err(error) => Err(error.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            complain(&format!("{} stops: {error:#}", service.name()));
            ExitCode::FAILURE
        }
    }
}

async fn serve(definition: Definition<()>, settings: Settings) -> anyhow::Result<()> {
    let service = definition.domain.0.service().name();
    let metrics = telemetry::init(service, &settings.telemetry)?;
    allow_descriptors(settings.server.max_connections);
    let stop = cancel_on_signal()?;
    if settings.profile.is_local() {
        types::clock::follow();
    }
    let started = tokio::select! {
        started = start(definition, settings, Some(metrics), stop.clone()) => started,
        // It waits for a database, or for a lock there, as long as it takes.
        () = stop.cancelled() => return Ok(()),
    };
    let (running, _) = started?;
    running.stopped().await;
    let stopped = running.stop().await;
    if let Some(spans) = telemetry::Spans::of_process() {
        tokio::task::spawn_blocking(|| spans.flush(LAST_SPANS)).await?;
    }
    stopped?;
    tracing::info!(service, "stopped");
    Ok(())
}

/// Beside connections of clients: to the database, the broker and other services, files, and what is accepted and not looked at yet.
const OTHER_DESCRIPTORS: usize = 512;

/// Each connection takes a descriptor, and a system gives a process fewer to begin with than it allows. Without any left nobody is accepted,
/// probes neither, and nothing that breaks can be connected to again.
fn allow_descriptors(connections: usize) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::warn!(%error, "the limit of open files cannot be raised to what the system allows");
    }
    let wanted = connections.saturating_add(OTHER_DESCRIPTORS);
    let current = getrlimit(Resource::Nofile).current;
    if let Some(current) = current.filter(|it| usize::try_from(*it).is_ok_and(|it| it < wanted)) {
        tracing::warn!(
            current,
            wanted,
            "the system allows fewer open files than HTTP_MAX_CONNECTIONS needs: raise its limit, or lower that"
        );
    }
}

/// The same that a start begins with, under the same lock; a start after it finds nothing to do.
async fn migrate(definition: Definition<()>, settings: Settings) -> anyhow::Result<()> {
    let service = definition.domain.0.service().name();
    telemetry::init(service, &settings.telemetry)?;
    let session = format!("{service}/migrate");
    let pool = database::pool(&settings.database, &session, 1, None);
    database::patiently(async || database::prepare(&pool, definition.migrations).await).await?;
    tracing::info!(service, "migrated");
    Ok(())
}

/// Needs to know only where the service listens: a health check has the service's environment, and costs little.
fn probe_here(service: Service, path: &str) -> ExitCode {
    let mut env = Env::from_process();
    let address = listen_address(&mut env, service);
    if let Err(problems) = env.finish() {
        return misconfigured(service, &problems);
    }
    match probe(address, path) {
        Ok(body) => {
            show(&body);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Where it says how it is: at its second port, if it has one.
fn listen_address(env: &mut Env, service: Service) -> SocketAddr {
    let prefix = service.name().to_uppercase();
    let public = ServerConfig::read(env, &prefix, default_address(service)).address;
    read_admin(env, &prefix).unwrap_or(public)
}

fn misconfigured(service: Service, problems: &ConfigErrors) -> ExitCode {
    complain(&format!("{} cannot start:\n{problems}", service.name()));
    ExitCode::from(CONFIGURATION)
}

#[allow(clippy::print_stdout, reason = "what was asked for")]
fn show(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "there may be no log yet")]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Task, String> {
        Task::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn without_an_argument_it_serves_and_with_one_it_does_that() {
        assert_eq!(parse(&[]), Ok(Task::Serve));
        assert_eq!(parse(&["migrate"]), Ok(Task::Migrate));
        assert_eq!(parse(&["health"]), Ok(Task::Probe("/health")));
        assert_eq!(parse(&["ready"]), Ok(Task::Probe("/ready")));
        assert_eq!(parse(&["--version"]), Ok(Task::Version));
    }

    #[test]
    fn a_process_may_open_as_many_files_as_the_system_allows() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let fewer = current.map(|it| it - 1);
        let before = Rlimit {
            current: fewer,
            maximum,
        };
        setrlimit(Resource::Nofile, before).unwrap();
        allow_descriptors(1);
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
    }

    #[test]
    fn what_it_does_not_know_is_named_with_what_it_does() {
        for (arguments, named) in [(&["serve"][..], "serve"), (&["ready", "--now"], "--now")] {
            let refused = parse(arguments).unwrap_err();
            assert!(
                refused.starts_with(named) && refused.contains("migrate"),
                "{refused}"
            );
        }
    }
}
