//! What each process of the local stack has used, from `/proc`.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context, Result};

use devstack::layout::Layout;
use devstack::services::{Program, Replica};
use devstack::stack::Identity;

/// CPU and memory of each process, at one moment.
#[derive(Clone, Debug)]
pub struct Machine {
    processes: BTreeMap<String, Usage>,
    /// The server's processes that are there, by their database.
    databases: BTreeMap<String, Usage>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    cpu_us: u64,
    anonymous_kib: u64,
}

impl Usage {
    fn add(&mut self, other: Self) {
        self.cpu_us += other.cpu_us;
        self.anonymous_kib += other.anonymous_kib;
    }
}

/// Microseconds in one tick of `/proc/<pid>/stat`: Linux reports in hundredths of a second.
const TICK_US: u64 = 10_000;

impl Machine {
    /// Reads every process of the stack; Postgres with its children, those that have ended included.
    pub fn read(layout: &Layout) -> Result<Self> {
        let (mut all, mut databases) = (BTreeMap::new(), BTreeMap::new());
        for program in Program::START_ORDER {
            let process = program
                .process(layout)
                .with_context(|| format!("{} does not run: ./start.sh", program.name()))?;
            all.insert(program.name().to_owned(), usage(process.pid())?);
        }
        for (name, _, process) in Replica::running(layout) {
            all.insert(name, usage(process.pid())?);
        }
        for (name, pid_file) in [
            ("postgres", layout.postgres_pid()),
            ("pulsar", layout.pulsar_pid()),
        ] {
            let identity = Identity::read(&pid_file)
                .filter(Identity::is_alive)
                .with_context(|| format!("{name} does not run: ./start.sh"))?;
            let mut total = usage(identity.pid)?;
            for pid in children(identity.pid)? {
                let child = usage(pid).unwrap_or_default();
                total.add(child);
                if let Some(name) = database_of(pid) {
                    databases
                        .entry(name)
                        .or_insert_with(Usage::default)
                        .add(child);
                }
            }
            all.insert(name.to_owned(), total);
        }
        Ok(Self {
            processes: all,
            databases,
        })
    }

    /// CPU microseconds of each process since then.
    pub fn cpu_since(&self, before: &Self) -> BTreeMap<String, u64> {
        cpu_between(&before.processes, &self.processes)
    }

    /// CPU microseconds of the server for each database since then.
    pub fn databases_since(&self, before: &Self) -> BTreeMap<String, u64> {
        cpu_between(&before.databases, &self.databases)
    }

    /// Anonymous memory of each process, in KiB.
    pub fn memory(&self) -> BTreeMap<String, u64> {
        self.processes
            .iter()
            .map(|(name, usage)| (name.clone(), usage.anonymous_kib))
            .collect()
    }
}

fn cpu_between(
    before: &BTreeMap<String, Usage>,
    now: &BTreeMap<String, Usage>,
) -> BTreeMap<String, u64> {
    now.iter()
        .map(|(name, now)| {
            let then = before.get(name).copied().unwrap_or_default();
            (name.clone(), now.cpu_us.saturating_sub(then.cpu_us))
        })
        .collect()
}

/// Anonymous memory of a program of the stack, in KiB.
pub fn memory_of(layout: &Layout, program: Program) -> Result<u64> {
    let process = program.process(layout);
    let process = process.with_context(|| format!("{} does not run", program.name()))?;
    Ok(usage(process.pid())?.anonymous_kib)
}

/// Anonymous memory of this process, in KiB.
pub fn own_memory() -> Result<u64> {
    Ok(usage(std::process::id())?.anonymous_kib)
}

/// A process's own CPU and that of its children that have ended.
fn usage(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the program's name, which may have spaces: field 3 of proc(5) is the first.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    let ticks: u64 = fields
        .get(11..15)
        .context("stat is shorter than proc(5) says")?
        .iter()
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let anonymous_kib = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0);
    Ok(Usage {
        cpu_us: ticks * TICK_US,
        anonymous_kib,
    })
}

/// Which database one of the server's processes is for, by its title: user, database, client's address and what it does.
fn database_of(pid: u32) -> Option<String> {
    let title = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = title.strip_prefix("postgres: ")?.split_whitespace();
    let (_user, database, client) = (words.next()?, words.next()?, words.next()?);
    client.contains('(').then(|| database.to_owned())
}

fn children(pid: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent == Some(pid) {
            found.push(child);
        }
    }
    Ok(found)
}

/// Bytes of all files of a folder.
pub fn size(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sum += size(&entry.path())?;
        } else if kind.is_file() {
            sum += entry.metadata()?.len();
        }
    }
    Ok(sum)
}
