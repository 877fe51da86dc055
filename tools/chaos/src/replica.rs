//! The processes of the services: each is started again, after a short pause, whenever it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use super::link::ReplicaId;
use super::point::Traps;
use super::random::Random;
use devstack::stack::{Identity, Process, Signal, last_lines};

/// A process that is not ready so long after its start, while nothing is broken on purpose, is stuck.
const READY_WITHIN: Duration = Duration::from_mins(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What a replica is started with.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Which one.
    pub id: ReplicaId,
    /// Its own port.
    pub port: u16,
    /// The program.
    pub binary: PathBuf,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// The folder of the run.
    pub folder: PathBuf,
}

/// What became of a replica so far.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    /// Starts, the first included.
    pub starts: u32,
    /// From each end to the next readiness.
    pub recoveries: Vec<Duration>,
    /// Last words of those that ended though nobody made them.
    pub ended_alone: Vec<String>,
    /// Ready since its last start.
    pub ready: bool,
}

/// A replica that is kept running.
#[derive(Debug)]
pub struct Replica {
    /// What it is started with.
    pub launch: Launch,
    lives: Arc<Mutex<Lives>>,
    task: tokio::task::JoinHandle<()>,
}

impl Replica {
    /// Starts it and keeps it running.
    pub fn keep(launch: Launch, traps: Arc<Traps>, random: Random) -> Self {
        let lives = Arc::default();
        let keeper = Keeper {
            launch: launch.clone(),
            traps,
            random,
            lives: Arc::clone(&lives),
        };
        Self {
            launch,
            lives,
            task: tokio::spawn(keeper.keep()),
        }
    }

    /// What became of it so far.
    pub fn lives(&self) -> Lives {
        let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        lives.clone()
    }

    /// Waits until its last start is ready.
    pub async fn ready(&self) -> Result<()> {
        let end = Instant::now() + READY_WITHIN;
        while !self.lives().ready {
            if self.task.is_finished() {
                bail!("{} cannot be started", self.launch.id);
            }
            if Instant::now() >= end {
                let log = self.launch.log(self.lives().starts);
                let tail = last_lines(&log, 3);
                bail!(
                    "{} is not ready within {READY_WITHIN:?}: {}\n{tail}",
                    self.launch.id,
                    log.display()
                );
            }
            sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Launch {
    /// The log of its start of this number.
    pub fn log(&self, start: u32) -> PathBuf {
        let name = format!("logs/{}.{start}.log", self.id);
        self.folder.join(name)
    }

    fn start(&self, number: u32) -> Result<Process> {
        let mut command = std::process::Command::new(&self.binary);
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.join("run"));
        let pid = self.folder.join(format!("run/{}.pid", self.id));
        Process::spawn(&mut command, &self.log(number), &pid, Signal::KILL)
    }
}

struct Keeper {
    launch: Launch,
    traps: Arc<Traps>,
    random: Random,
    lives: Arc<Mutex<Lives>>,
}

impl Keeper {
    fn note(&self, change: impl FnOnce(&mut Lives)) {
        change(&mut self.lives.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn keep(mut self) {
        let Ok(client) = client() else { return };
        let mut ended = None;
        let mut number = 0;
        loop {
            number += 1;
            self.note(|lives| (lives.starts, lives.ready) = (number, false));
            let Ok(mut process) = self.launch.start(number) else {
                return;
            };
            if let Some(identity) = Identity::of(process.pid()) {
                self.traps.is_now(self.launch.id, identity);
            }
            let ready = self.until_ready(&client, &mut process).await;
            if ready {
                let took = ended.map(|ended: Instant| ended.elapsed());
                self.note(|lives| {
                    lives.ready = true;
                    lives.recoveries.extend(took);
                });
            }
            while process.is_alive() {
                sleep(LOOK).await;
            }
            // One that was killed before it was ready has been down since the end before.
            ended = if ready {
                Some(Instant::now())
            } else {
                ended.or_else(|| Some(Instant::now()))
            };
            if !self.traps.was_doomed(self.launch.id) {
                let tail = last_lines(&self.launch.log(number), 2);
                let line = format!("{} (start {number}): {tail}", self.launch.id);
                self.note(|lives| lives.ended_alone.push(line));
            }
            self.note(|lives| lives.ready = false);
            let pause = self.random.between(20, 200);
            sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn until_ready(&self, client: &reqwest::Client, process: &mut Process) -> bool {
        let url = format!("http://127.0.0.1:{}/ready", self.launch.port);
        while process.is_alive() {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            sleep(LOOK * 2).await;
        }
        false
    }
}

fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .no_proxy()
        .build()
        .context("an HTTP client")
}
