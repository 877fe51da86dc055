//! Servers for the length of one command, such as a test run, and the folders that they live in.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::layout::Layout;
use crate::stack::testing::{
    DATABASE_ADMIN_URL, FOLDER, MEMORY_FOLDER, PULSAR_ADMIN_URL, PULSAR_SERVICE_URL, PYTHON,
};
use crate::stack::{
    Identity, Postgres, Process, Pulsar, PulsarPorts, Signal, disk_has_room, free_port, memory,
};
use crate::tools;

/// For all commands of this process: a clean build with every test takes about half of it on two quiet cores.
const LIMIT: Duration = Duration::from_mins(85);
/// When the first of them began.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Runs one command with a Postgres (and a broker) of its own, named to it by variables.
pub async fn with_stack(
    layout: &Layout,
    with_broker: bool,
    mut command: Command,
) -> Result<ExitCode> {
    if with_broker {
        fits_broker(layout)?;
    }
    tools::ensure(with_broker)?;
    sweep(&layout.tests(), true)?;
    sweep(&memory(), false)?;
    let run = TestRun::begin(layout)?;
    let servers = if with_broker {
        "Postgres and Pulsar"
    } else {
        "Postgres"
    };
    println!("==> {servers} for this run (if it fails, their logs: .tributary/test-logs)");
    let template = Postgres::template(layout).await?;
    let folder = run.folder.join("postgres");
    let memory = run.memory.as_ref().map(|folder| folder.join("data"));
    let postgres = Postgres::start_copy(&template, memory.as_deref(), &folder, free_port()).await?;
    command
        .env(DATABASE_ADMIN_URL, postgres.admin_url())
        .env(FOLDER, &run.folder);
    if let Some(folder) = &run.memory {
        command.env(MEMORY_FOLDER, folder);
    }
    let broker = if with_broker {
        let broker = Pulsar::start(&run.folder.join("pulsar"), PulsarPorts::free()).await?;
        command
            .env(PULSAR_SERVICE_URL, broker.service_url())
            .env(PULSAR_ADMIN_URL, broker.admin_url());
        command.env(PYTHON, tools::python(layout)?);
        Some(broker)
    } else {
        None
    };
    let code = watched(bounded(command), &run.folder, with_broker).await;
    if let Some(mut broker) = broker {
        broker.stop(); // cleanly, so that the class data archive of a first start is kept
    }
    drop(postgres);
    if !matches!(code, Ok(0)) {
        run.keep_logs(&layout.state.join("test-logs"))?;
    }
    drop(run);
    Ok(ExitCode::from(code?))
}

/// Fails where a broker of a run's own could not run: what is built before would be in vain.
pub fn fits_broker(layout: &Layout) -> Result<()> {
    layout.unfit_for_broker().map_or(Ok(()), |why| bail!(why))
}

/// How often a run looks whether its broker would still write.
const LOOK_AT_DISK: Duration = Duration::from_secs(5);

/// Waits for a command, and names a disk that was full meanwhile: all a test sees of that is a broker that does not answer.
async fn watched(
    command: impl Future<Output = Result<u8>>,
    folder: &Path,
    with_broker: bool,
) -> Result<u8> {
    let mut command = pin!(command);
    let mut full = None;
    let code = loop {
        tokio::select! {
            code = &mut command => break code,
            () = sleep(LOOK_AT_DISK), if with_broker && full.is_none() => {
                full = disk_has_room(folder).err();
            }
        }
    };
    if let Some(problem) = full {
        eprintln!("while this ran, {problem:#}");
    }
    code
}

/// Runs a command in a process group of its own, to its end, its time limit or a signal to us, which ends the group.
pub async fn bounded(mut command: Command) -> Result<u8> {
    let mut child = command
        .process_group(0)
        .stdin(std::process::Stdio::null())
        .spawn()
        .context("cannot start the command")?;
    let group = child
        .id()
        .and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let mut hangup = signal(SignalKind::hangup())?;
    let stopped = tokio::select! {
        status = child.wait() => return Ok(u8::try_from(status?.code().unwrap_or(101)).unwrap_or(1)),
        () = sleep_until(*BEGAN + LIMIT) => "its time is up",
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "asked to end",
        _ = hangup.recv() => "the terminal went away",
    };
    eprintln!("stopping: {stopped}");
    for signal in [Signal::TERM, Signal::KILL] {
        if let Some(group) = group {
            let _already_gone = rustix::process::kill_process_group(group, signal);
        }
        if timeout(Duration::from_secs(5), child.wait()).await.is_ok() {
            break;
        }
    }
    Ok(130)
}

/// What a run's own server may need of memory.
const MEMORY_NEEDED: u64 = 8 << 30;

/// The folder of one run; dropping it stops whatever still runs in it and removes it.
struct TestRun {
    folder: PathBuf,
    /// For the data of its own server, where there is room: hundreds of databases are made in it, and removed at its end.
    memory: Option<PathBuf>,
}

impl TestRun {
    fn begin(layout: &Layout) -> Result<Self> {
        Self::begin_with(layout, &memory())
    }

    fn begin_with(layout: &Layout, memory: &Path) -> Result<Self> {
        let name = std::process::id().to_string();
        let folder = layout.tests().join(&name);
        own(&folder)?;
        let free = memory.parent().and_then(free_bytes);
        let has_room = free.is_some_and(|free| free >= MEMORY_NEEDED);
        // Without memory it takes longer, and is no worse.
        let memory = has_room.then(|| memory.join(&name));
        let memory = memory.filter(|folder| own(folder).is_ok());
        Ok(Self { folder, memory })
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

impl TestRun {
    /// What the servers and services of a failed run wrote.
    fn keep_logs(&self, kept: &Path) -> Result<()> {
        if kept.exists() {
            fs::remove_dir_all(kept)?;
        }
        fs::create_dir_all(kept)?;
        for log in logs_under(&self.folder, 4) {
            let name = log
                .strip_prefix(&self.folder)?
                .to_string_lossy()
                .replace('/', "--");
            fs::copy(&log, kept.join(name))?;
        }
        Ok(())
    }
}

/// `*.log` and `*.log.1` in a folder and `depth` levels below, except in servers' own data.
fn logs_under(folder: &Path, depth: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) =
        entries.partition(|path| path.is_dir() && !path.is_symlink());
    let mut logs: Vec<_> = files
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".log"))
        .collect();
    let is_data = |path: &Path| {
        ["data", "bookkeeper", "metadata"]
            .iter()
            .any(|name| path.ends_with(name))
    };
    let deeper = folders
        .into_iter()
        .filter(|path| depth > 0 && !is_data(path));
    logs.extend(deeper.flat_map(|path| logs_under(&path, depth - 1)));
    logs
}

impl Drop for TestRun {
    fn drop(&mut self) {
        for folder in [Some(&self.folder), self.memory.as_ref()]
            .into_iter()
            .flatten()
        {
            if let Err(problem) = remove_run(folder) {
                eprintln!("could not tidy up {}: {problem:#}", folder.display());
            }
        }
    }
}

const OWNER: &str = "owner";

/// Makes the folder of a run of this process, which no sweep touches while the process lives.
pub fn own(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    if let Some(identity) = Identity::of(std::process::id()) {
        identity.write(&folder.join(OWNER))?;
    }
    Ok(())
}

/// The folder stays, to be read, also for sweeps that spare what has no owner.
pub fn disown(folder: &Path) -> Result<()> {
    Ok(fs::remove_file(folder.join(OWNER))?)
}

/// Stops and removes what earlier runs left that were killed before they could; with `ownerless`, what has no owner too.
pub fn sweep(runs: &Path, ownerless: bool) -> Result<()> {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let folder = entry.path();
        let owner = Identity::read(&folder.join(OWNER));
        let is_left = owner.map_or(ownerless, |owner| !owner.is_alive());
        if folder.is_dir() && is_left {
            remove_run(&folder)?;
        }
    }
    Ok(())
}

fn remove_run(folder: &Path) -> Result<()> {
    stop_stack_in(folder)?;
    for entry in fs::read_dir(folder)?.flatten() {
        let server = entry.path();
        if server.is_dir() {
            stop_stack_in(&server)?;
            Pulsar::stop_in(&server);
            Postgres::wipe(&server)?;
        }
    }
    Ok(fs::remove_dir_all(folder)?)
}

/// What a whole stack runs in its folder.
fn stop_stack_in(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder.join("run"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let file = entry.path();
        let is_pid = file.extension().is_some_and(|extension| extension == "pid");
        if let Some(mut program) = Process::attach(&file).filter(|_| is_pid) {
            program.kill();
        }
    }
    Pulsar::stop_in(&folder.join("pulsar"));
    Postgres::wipe(&folder.join("postgres"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::testing::scratch;

    #[test]
    fn a_run_begins_also_where_it_can_make_no_folder_in_memory() {
        let layout = Layout {
            state: scratch("run"),
            ..Layout::find()
        };
        fs::create_dir_all(&layout.state).unwrap();
        // Root writes where others may not, but not below a file.
        let closed = layout.state.join("closed");
        fs::write(&closed, "").unwrap();
        let run = TestRun::begin_with(&layout, &closed).unwrap();
        assert!(run.folder.exists());
        assert_eq!(run.memory, None);
        drop(run);
        fs::remove_dir_all(&layout.state).unwrap();
    }

    #[tokio::test]
    async fn a_folder_in_which_no_broker_can_run_is_named_before_anything_is_started() {
        let layout = Layout {
            state: scratch("a run"),
            ..Layout::find()
        };
        let named = with_stack(&layout, true, Command::new("true")).await;
        let named = format!("{:#}", named.unwrap_err());
        assert!(named.contains(&*layout.state.to_string_lossy()), "{named}");
        assert!(!layout.state.exists());
    }
}
