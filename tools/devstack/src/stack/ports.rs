//! Ports of the loopback interface: free ones for tests, and who holds one that is taken.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below every system's range for outgoing connections, so that none of those takes a port between the look and
/// the use; each process begins elsewhere in the range, so that tests in several processes rarely meet.
const FIRST: u16 = 12_000;
const COUNT: u16 = 16_000;

/// A port of 127.0.0.1 on which nobody listens now, not given out before by this process.
///
/// # Panics
/// When all 16,000 ports are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(process::id().wrapping_mul(2_654_435_761) >> 18).unwrap_or_default();
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        if is_free(port) {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Fails when someone listens on the port, and names the process where it can be found.
pub fn check_free(port: u16, wanted_by: &str, remedy: &str) -> Result<()> {
    let Some(holder) = holder(port) else {
        return Ok(());
    };
    bail!(
        "port {port}, which {wanted_by} needs, is held by {holder}.\n  Stop that process, or {remedy}."
    );
}

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Unless it is another user's.
    pub pid: Option<u32>,
    command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid} ({})", self.command),
            None => f.write_str("a process that this user may not see"),
        }
    }
}

/// Who listens on this port; `None` when it is free.
pub fn holder(port: u16) -> Option<Holder> {
    let unseen = Holder {
        pid: None,
        command: String::new(),
    };
    (!is_free(port)).then(|| owner(port).unwrap_or(unseen))
}

#[cfg(target_os = "linux")]
fn owner(port: u16) -> Option<Holder> {
    use std::fs;
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = processes.filter(|entry| is_number(&entry.file_name())); // not self and thread-self
    let holder = processes.find(|process| {
        let open = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        open.into_iter()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == socket.as_str()))
    })?;
    let command = fs::read_to_string(holder.path().join("cmdline"))
        .unwrap_or_default()
        .replace('\0', " ");
    let command: String = command.trim().chars().take(120).collect();
    let pid = holder.file_name().to_str()?.parse().ok();
    Some(Holder { pid, command })
}

#[cfg(target_os = "linux")]
fn is_number(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
}

#[cfg(target_os = "linux")]
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let suffix = format!(":{port:04X}");
    table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == "0A";
        if listens {
            fields.get(9).map(|inode| (*inode).to_owned())
        } else {
            None
        }
    })
}

#[cfg(not(target_os = "linux"))]
fn owner(port: u16) -> Option<Holder> {
    let filter = format!("-iTCP:{port}");
    let shown = process::Command::new("lsof")
        .args(["-nP", &filter, "-sTCP:LISTEN", "-Fpc"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&shown.stdout);
    let field = |letter| text.lines().find_map(|line| line.strip_prefix(letter));
    Some(Holder {
        pid: field('p')?.parse().ok(),
        command: field('c').unwrap_or("?").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_reported_with_its_owner() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = check_free(port, "the test", "wait")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("process {}", process::id())),
            "{error}"
        );
    }

    #[test]
    fn free_ports_differ_within_a_process() {
        assert_ne!(free_port(), free_port());
    }
}
