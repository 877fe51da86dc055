//! Further processes of a service on the same database, each on a port of its own.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use schemas::Service;
use tokio::time::sleep;

use super::Program;
use crate::layout::Layout;
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
        let port = free_port();
        let (url, name) = (
            format!("http://127.0.0.1:{port}"),
            format!("{service}-{port}"),
        );
        let mut variables = Program::Service(service).environment(layout, settings)?;
        let address = variable(service, "LISTEN_ADDRESS");
        variables.insert(address, format!("127.0.0.1:{port}"));
        let log = layout.log(&name);
        let mut command = std::process::Command::new(layout.state.join("bin").join(service.name()));
        command
            .env_clear()
            .envs(&variables)
            .current_dir(layout.state.join("run"));
        let pid = layout.state.join("run").join(format!("{name}.pid"));
        let mut process = Process::spawn(&mut command, &log, &pid, Signal::TERM)
            .context("is the stack up? (./start.sh)")?;
        process.detach();
        let mut replica = Self { url, process };
        replica.wait_ready(&log).await?;
        Ok(replica)
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

    /// Stops every further process; the names of those that ran.
    pub fn stop_all(layout: &Layout) -> Vec<String> {
        let mut stopped = Vec::new();
        let files = fs::read_dir(layout.state.join("run"));
        for file in files.into_iter().flatten().flatten() {
            let path = file.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_replica = path.extension().is_some_and(|end| end == "pid")
                && name
                    .split_once('-')
                    .is_some_and(|(service, _)| Service::parse(service).is_some());
            if let Some(mut process) = Process::attach(&path).filter(|_| is_replica) {
                process.stop(Signal::TERM, STOP_WITHIN);
                stopped.push(name.into_owned());
            }
        }
        stopped
    }
}
