//! What the kernel says about this process. Nothing is recorded where there is no `/proc`.

use std::fs;
use std::time::Duration;

use crate::time::now;
use metrics::{counter, describe_counter, describe_gauge, gauge};

/// A clock tick of `/proc/self/stat`: `USER_HZ` is 100 on every Linux that Rust supports.
const TICK: Duration = Duration::from_millis(10);

pub(super) fn describe() {
    describe_gauge!(
        "process_start_time_seconds",
        "When the process started, in seconds since 1970"
    );
    let started = Duration::from_micros(u64::try_from(now().0).unwrap_or(0));
    gauge!("process_start_time_seconds").set(started.as_secs_f64());
    describe_gauge!("process_resident_memory_bytes", "Resident memory in bytes");
    describe_gauge!(
        "process_anonymous_memory_bytes",
        "Resident memory not backed by a file"
    );
    describe_counter!("process_cpu_milliseconds_total", "User and system CPU time");
    describe_gauge!("process_threads", "Threads of the process");
}

pub(super) fn record() {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        set("process_resident_memory_bytes", &status, "VmRSS:", 1024);
        set("process_anonymous_memory_bytes", &status, "RssAnon:", 1024);
        set("process_threads", &status, "Threads:", 1);
    }
    if let Some(cpu) = fs::read_to_string("/proc/self/stat")
        .ok()
        .as_deref()
        .and_then(cpu_time)
    {
        counter!("process_cpu_milliseconds_total")
            .absolute(u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX));
    }
}

fn set(name: &'static str, status: &str, field: &str, unit: u32) {
    if let Some(value) = status_value(status, field) {
        let value = Duration::from_secs(value.saturating_mul(u64::from(unit)));
        gauge!(name).set(value.as_secs_f64());
    }
}

/// The number of a `/proc/self/status` line such as `VmRSS:    1234 kB`.
fn status_value(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
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
        let stat = "7 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 5";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn memory_is_read_from_the_status_page() {
        assert_eq!(
            status_value("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"),
            Some(12)
        );
    }
}
