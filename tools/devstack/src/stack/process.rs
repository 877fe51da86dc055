//! Processes that we started: an identity that survives the reuse of process ids, signals, and bounded waiting.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{self, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// One process and no other: its id and when it began, since ids are used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    born: String,
}

impl Identity {
    /// The living process with this id; a zombie counts as dead.
    pub fn of(pid: u32) -> Option<Self> {
        born(pid).map(|born| Self { pid, born })
    }

    /// Is this very process still running?
    pub fn is_alive(&self) -> bool {
        born(self.pid).as_ref() == Some(&self.born)
    }

    /// Sends a signal, but only to this very process; a process that has ended is no error.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            let _ended_meanwhile = kill_process(pid, signal);
        }
    }

    /// The identity that a pid file holds.
    pub fn read(pid_file: &Path) -> Option<Self> {
        let text = fs::read_to_string(pid_file).ok()?;
        let (pid, born) = text.lines().next()?.trim().split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok()?,
            born: born.to_owned(),
        })
    }

    /// Writes the identity for [`Self::read`], and below it where.
    pub fn write(&self, pid_file: &Path) -> io::Result<()> {
        let place = path::absolute(pid_file)?;
        let text = format!("{} {}\n{}\n", self.pid, self.born, place.display());
        fs::write(pid_file, text)
    }
}

/// Whether a pid file came here with a copy of its folder: the one that was written is still where it was.
fn is_copy(pid_file: &Path) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let found = |file: &Path| {
        let file = fs::metadata(file).ok()?;
        Some((file.dev(), file.ino()))
    };
    let written = text
        .lines()
        .nth(1)
        .and_then(|place| found(Path::new(place)));
    written.is_some() && written != found(pid_file)
}

#[cfg(target_os = "linux")]
fn born(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = living_since(&stat)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{ticks}@{}", boot.trim()))
}

/// When the process began, in ticks since boot, by its line of proc(5)'s `stat`; `None` when it has ended. One that is killed is a zombie as soon
/// as its first thread has ended; while others of its threads are still ending, it holds its ports and is not dead.
#[cfg(target_os = "linux")]
fn living_since(stat: &str) -> Option<&str> {
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied(); // as proc(5) counts; the third is the first after the name
    let (state, threads, began) = (field(3)?, field(20)?, field(22)?);
    let ended = state == "X" || (state == "Z" && matches!(threads, "0" | "1"));
    (!ended).then_some(began)
}

#[cfg(not(target_os = "linux"))]
fn born(pid: u32) -> Option<String> {
    let shown = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&shown.stdout);
    let (state, started) = text.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| started.trim().to_owned())
}

/// A background process with a pid file and a log.
#[derive(Debug)]
pub struct Process {
    identity: Identity,
    child: Option<Child>,
    pid_file: PathBuf,
    on_drop: Option<Signal>,
}

/// Of util-linux, and of busybox: begins a session and becomes the program that it is told.
const SETSID: &str = "/usr/bin/setsid";

/// A program in a session of its own, where that can be had. Linux may weigh the processes of a session together, whatever their number (sched(7),
/// autogroup), so that services of one session share what each process of Postgres has by itself.
pub fn in_session(program: &Path) -> Command {
    if !Path::new(SETSID).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETSID);
    command.arg(program);
    command
}

/// The program that a command of [`in_session`] becomes in its session, if it has one.
fn in_session_of(command: &Command) -> Option<&OsStr> {
    let program = command.get_args().next();
    program.filter(|_| command.get_program() == SETSID)
}

/// How long a program's file may be busy.
const BUSY: Duration = Duration::from_secs(5);

/// Starts a program. The file of one that was just copied can be open for writing still: in a child that another thread
/// forked while it was copied, and that has not come to its own program yet.
fn start(command: &mut Command) -> io::Result<Child> {
    let end = Instant::now() + BUSY;
    let in_session = in_session_of(command).is_some();
    loop {
        let started = match command.spawn() {
            Ok(child) if in_session => become_program(child),
            child => child,
        };
        match started {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < end =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            started => return started,
        }
    }
}

/// Waits for what began a session to become its program: until then nothing says whether that could be started.
fn become_program(mut child: Child) -> io::Result<Child> {
    let exe = PathBuf::from(format!("/proc/{}/exe", child.id()));
    let setsid = fs::canonicalize(SETSID)?;
    loop {
        // As env(1) says it: 126 is a program that cannot be run, 127 one that is not there.
        match child.try_wait()?.and_then(|ended| ended.code()) {
            Some(126) => return Err(io::ErrorKind::ExecutableFileBusy.into()),
            Some(127) => return Err(io::ErrorKind::NotFound.into()),
            Some(_) => return Ok(child),
            None if fs::read_link(&exe).is_ok_and(|program| program != setsid) => {
                return Ok(child);
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

impl Process {
    /// Starts a process in a group of its own, so that Ctrl-C in a terminal does not reach it. What it prints
    /// goes to `log`; the log before it is kept as `<log>.1`. Dropping the value sends `on_drop` and waits.
    pub fn spawn(
        command: &mut Command,
        log: &Path,
        pid_file: &Path,
        on_drop: Signal,
    ) -> Result<Self> {
        if log.exists() {
            fs::rename(log, log.with_extension("log.1"))?;
        }
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out);
        // Who leads a group cannot begin a session, which has one of its own.
        if in_session_of(command).is_none() {
            command.process_group(0);
        }
        let child = start(command).with_context(|| {
            let program = in_session_of(command).unwrap_or(command.get_program());
            format!("cannot start {}", program.display())
        })?;
        let identity = Identity::of(child.id()).unwrap_or(Identity {
            pid: child.id(),
            born: String::new(),
        });
        identity.write(pid_file)?;
        Ok(Self {
            identity,
            child: Some(child),
            pid_file: pid_file.to_owned(),
            on_drop: Some(on_drop),
        })
    }

    /// The process that a pid file names, if it runs. Dropping it leaves it running. That of a copied clone is the other clone's.
    pub fn attach(pid_file: &Path) -> Option<Self> {
        let identity = Identity::read(pid_file).filter(Identity::is_alive)?;
        if is_copy(pid_file) {
            return None;
        }
        Some(Self {
            identity,
            child: None,
            pid_file: pid_file.to_owned(),
            on_drop: None,
        })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.identity.pid
    }

    /// Still running?
    pub fn is_alive(&mut self) -> bool {
        let reaped = self
            .child
            .as_mut()
            .and_then(|child| child.try_wait().ok().flatten());
        reaped.is_none() && self.identity.is_alive()
    }

    /// Leaves the process running when the value is dropped.
    pub fn detach(&mut self) {
        self.on_drop = None;
    }

    /// Sends a signal (such as `Signal::STOP` and `Signal::CONT`, which freeze and thaw).
    pub fn signal(&self, signal: Signal) {
        self.identity.signal(signal);
    }

    /// Asks the process to end, and kills it when `grace` is over. True when it ended by itself: only then is the
    /// pid file removed, so that the next start knows of an unclean stop.
    pub fn stop(&mut self, signal: Signal, grace: Duration) -> bool {
        self.on_drop = None;
        self.signal(signal);
        self.signal(Signal::CONT);
        if self.wait(grace) {
            let _gone_already = fs::remove_file(&self.pid_file);
            return true;
        }
        self.kill();
        false
    }

    /// `kill -9`: no chance to tidy up. The pid file stays and tells the next start.
    pub fn kill(&mut self) {
        self.on_drop = None;
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(10));
    }

    fn wait(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.is_alive() {
            if Instant::now() >= end {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        if let Some(child) = &mut self.child {
            let _reaped = child.wait(); // dead, so this returns at once
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(signal) = self.on_drop {
            self.stop(signal, Duration::from_secs(5));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// As Linux showed it, without the fields after the start.
    fn stat(state: char, threads: u8) -> String {
        format!(
            "2171 (a (b) c) {state} 2168 2168 1544 0 -1 4227084 3035 6590 7 2 2 1 3 2 20 0 {threads} 0 11802 0 0 1"
        )
    }

    #[test]
    fn a_process_lives_until_the_last_of_its_threads_has_ended() {
        assert_eq!(living_since(&stat('S', 4)), Some("11802"));
        assert_eq!(living_since(&stat('Z', 2)), Some("11802"));
        assert_eq!(living_since(&stat('Z', 1)), None);
        assert_eq!(living_since(&stat('X', 0)), None);
    }
}
