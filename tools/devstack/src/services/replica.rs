//! Further processes of a service on the same database, each on a port of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use schemas::Service;
use tokio::time::sleep;

use super::{Program, spawn};
use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::{Settings, variable};
use crate::stack::{Process, Signal, free_port, last_lines};

const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// One further process of a service.
#[derive(Debug)]
pub struct Replica {
    /// Where it listens.
    pub url: String,
    /// The process.
    pub process: Process,
}

impl Replica {
    /// Starts one with the binary of the running service and waits until it is ready. It outlives this value.
    pub async fn start(service: Service, layout: &Layout, settings: &Settings) -> Result<Self> {
        Self::start_at(free_port(), service, layout, settings).await
    }

    async fn start_at(
        port: u16,
        service: Service,
        layout: &Layout,
        settings: &Settings,
    ) -> Result<Self> {
        let (url, name) = (
            format!("http://127.0.0.1:{port}"),
            format!("{service}-{port}"),
        );
        let variables = variables(port, service, layout, settings)?;
        let log = layout.log(&name);
        let pid = layout.state.join("run").join(format!("{name}.pid"));
        let process = spawn(&binary(service, layout), &variables, layout, &log, &pid)
            .context("is the stack up? (./start.sh)")?;
        fs::write(
            pid.with_extension("stamp"),
            stamp(&variables, service, layout)?,
        )?;
        let mut replica = Self { url, process };
        if let Err(error) = replica.wait_ready(&log).await {
            replica.stop();
            return Err(error);
        }
        Ok(replica)
    }

    /// Starts those again, one after the other, whose settings or binary are no longer their service's: one that went on in
    /// another mode could lead the relay, and ship where nobody listens. Those of a program that was started again go along.
    pub async fn renew(
        layout: &Layout,
        settings: &Settings,
        restarted: Option<Program>,
        progress: Progress,
    ) -> Result<()> {
        for (service, port, pid) in files(layout) {
            let Some(mut process) = Process::attach(&pid) else {
                continue;
            };
            let due = stamp(
                &variables(port, service, layout, settings)?,
                service,
                layout,
            )?;
            let is_due = restarted == Some(Program::Service(service));
            if !is_due && fs::read_to_string(pid.with_extension("stamp")).is_ok_and(|it| it == due)
            {
                continue;
            }
            process.stop(Signal::TERM, STOP_WITHIN);
            let replica = Self::start_at(port, service, layout, settings).await?;
            progress.note(&format!("{service}: started again at {}", replica.url));
        }
        Ok(())
    }

    /// The names, addresses and processes of those that run.
    pub fn running(layout: &Layout) -> Vec<(String, String, Process)> {
        let all = Self::all(layout).into_iter();
        all.filter_map(|(name, url, process)| Some((name, url, process?)))
            .collect()
    }

    /// The same of all that were started and not stopped; one without a process has died.
    pub fn all(layout: &Layout) -> Vec<(String, String, Option<Process>)> {
        files(layout)
            .into_iter()
            .map(|(service, port, pid)| {
                let (name, url) = (
                    format!("{service}-{port}"),
                    format!("http://127.0.0.1:{port}"),
                );
                (name, url, Process::attach(&pid))
            })
            .collect()
    }

    async fn wait_ready(&mut self, log: &Path) -> Result<()> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        let (url, end) = (format!("{}/ready", self.url), Instant::now() + READY_WITHIN);
        loop {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if !self.process.is_alive() || Instant::now() >= end {
                bail!("it does not become ready: {}", last_lines(log, 4));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A clean stop.
    pub fn stop(&mut self) {
        self.process.stop(Signal::TERM, STOP_WITHIN);
    }

    /// Stops every further process, and forgets those that have died; the names of those that ran.
    pub fn stop_all(layout: &Layout) -> Vec<String> {
        let stop = |(name, _, mut process): (String, String, Process)| {
            process.stop(Signal::TERM, STOP_WITHIN);
            name
        };
        let stopped = Self::running(layout).into_iter().map(stop).collect();
        for (_, _, pid) in files(layout) {
            let _gone_already = fs::remove_file(pid);
        }
        stopped
    }
}

/// What was started and not stopped: service, port, and the file with the process's id.
fn files(layout: &Layout) -> Vec<(Service, u16, PathBuf)> {
    let files = fs::read_dir(layout.state.join("run"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| {
            let path = file.path();
            let name = path.file_name()?.to_str()?.strip_suffix(".pid")?;
            let (service, port) = name.split_once('-')?;
            Some((Service::parse(service)?, port.parse().ok()?, path))
        })
        .collect()
}

fn binary(service: Service, layout: &Layout) -> PathBuf {
    layout.state.join("bin").join(service.name())
}

fn variables(
    port: u16,
    service: Service,
    layout: &Layout,
    settings: &Settings,
) -> Result<BTreeMap<String, String>> {
    let mut variables = Program::Service(service).environment(layout, settings)?;
    let address = variable(service, "LISTEN_ADDRESS");
    variables.insert(address, format!("127.0.0.1:{port}"));
    // The second port is the first process's; a further one shows everything at its only one.
    for name in ["ADMIN_ADDRESS", "ADMIN_URL"] {
        variables.remove(&variable(service, name));
    }
    Ok(variables)
}

/// Of the variables and the copy of the binary.
fn stamp(
    variables: &BTreeMap<String, String>,
    service: Service,
    layout: &Layout,
) -> Result<String> {
    let copied = fs::metadata(binary(service, layout))
        .and_then(|file| file.modified())
        .context("is the stack up? (./start.sh)")?;
    Ok(format!("{} {copied:?}", super::start::stamp(variables)))
}
