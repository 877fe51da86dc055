//! What the kernel says about this process, under the names that Prometheus' own libraries use. Nothing is reported where
//! there is no `/proc`.
//!
//! Written as text beside what the recorder renders: its counters are whole numbers, and CPU time is a counter of seconds
//! with their fractions.

use std::fmt::{Display, Write};
use std::fs;
use std::time::Duration;

/// A clock tick of `/proc/self/stat`: `USER_HZ` is 100 on every Linux that Rust supports.
const TICK: Duration = Duration::from_millis(10);

/// Appends the figures of now to a page in Prometheus's text format; `started` is since 1970.
pub(super) fn render(page: &mut String, service: &str, started: Duration) {
    let mut figures = Figures { page, service };
    figures.gauge(
        "process_start_time_seconds",
        "When the process started, in seconds since 1970",
        Some(Seconds(started)),
    );
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    figures.counter(
        "process_cpu_seconds_total",
        "User and system CPU time in seconds",
        cpu_time(&stat).map(Seconds),
    );
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (name, help, field) in [
        (
            "process_resident_memory_bytes",
            "Resident memory in bytes",
            "VmRSS:",
        ),
        (
            "process_anonymous_memory_bytes",
            "Resident memory that no file backs, in bytes",
            "RssAnon:",
        ),
        (
            "process_virtual_memory_bytes",
            "Virtual memory in bytes",
            "VmSize:",
        ),
    ] {
        let bytes = number_after(&status, field).map(|kib| kib.saturating_mul(1024));
        figures.gauge(name, help, bytes);
    }
    let threads = number_after(&status, "Threads:");
    figures.gauge("process_threads", "Threads of the process", threads);
    let open = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    figures.gauge("process_open_fds", "Open file descriptors", open);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    figures.gauge(
        "process_max_fds",
        "Open file descriptors at most",
        number_after(&limits, "Max open files"),
    );
}

struct Figures<'a> {
    page: &'a mut String,
    service: &'a str,
}

impl Figures<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        self.put(name, help, "gauge", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        self.put(name, help, "counter", value);
    }

    fn put(&mut self, name: &str, help: &str, kind: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let service = self.service;
            // Writing to a String cannot fail.
            let _ = writeln!(
                self.page,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{{service=\"{service}\"}} {value}\n"
            );
        }
    }
}

/// A time in seconds with hundredths.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0.as_secs(), self.0.subsec_millis() / 10)
    }
}

/// The first number behind a line's name, as in `VmRSS:    1234 kB`.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// `utime` and `stime`, the fields 14 and 15; the name in field 2 may hold spaces and brackets.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut ticks = rest
        .split_whitespace()
        .skip(11)
        .map_while(|field| field.parse::<u32>().ok());
    TICK.checked_mul(ticks.next()?)?
        .checked_add(TICK.checked_mul(ticks.next()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_name_with_brackets() {
        let stat = "7 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 150 53 0 0 20 0 5";
        let time = cpu_time(stat).map(Seconds).unwrap();
        assert_eq!(time.to_string(), "2.03");
    }

    #[test]
    fn memory_and_limits_are_read_from_their_pages() {
        let status = "Name:\tx\nVmRSS:\t  12 kB\n";
        assert_eq!(number_after(status, "VmRSS:"), Some(12));
        let limits = "Max open files            1024                 524288               files\n";
        assert_eq!(number_after(limits, "Max open files"), Some(1024));
        assert_eq!(
            number_after("Max open files   unlimited", "Max open files"),
            None
        );
    }
}
