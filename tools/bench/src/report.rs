//! The figures: printed, as JSON, and as a page.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::{Result, bail};
use serde_json::json;

use super::ledger::Outcome;
use super::machine::Machine;
use super::{SERVICES, clients, page};
use devstack::layout::Layout;

/// Complete transactions a second that two cores must do.
const TARGET_PER_SECOND: u64 = 1_333;
/// Anonymous memory that a service may have under load and idle, in KiB.
const LOADED_KIB: u64 = 64 * 1024;
const IDLE_KIB: u64 = 16 * 1024;
/// And after a load.
const RESTED_KIB: u64 = 32 * 1024;

/// One phase's figures.
pub struct Phase {
    pub seconds_ms: u64,
    pub sent: u64,
    /// Of those, committed in payment's database when the last was sent.
    pub done_in_time: u64,
    pub outcome: Outcome,
    /// Microseconds of each process.
    pub cpu: BTreeMap<String, u64>,
    /// Microseconds of the server for each database.
    pub databases: BTreeMap<String, u64>,
    /// KiB of each process at the end of the load.
    pub memory: BTreeMap<String, u64>,
    pub wal_bytes: u64,
}

impl Phase {
    /// Complete transactions a second.
    pub fn per_second(&self) -> u64 {
        self.done_in_time * 1_000 / self.seconds_ms.max(1)
    }

    /// In tenths of a millisecond.
    pub fn percentile(&self, percent: usize) -> u64 {
        clients::percentile(&self.outcome.latencies_us, percent)
    }

    /// Microseconds of all processes for a purchase.
    pub fn cpu_of_all(&self) -> u64 {
        self.cpu.values().sum::<u64>() / self.outcome.done.max(1)
    }

    /// Microseconds of one process for a purchase.
    pub fn cpu_per_transaction(&self, name: &str) -> u64 {
        self.cpu.get(name).copied().unwrap_or(0) / self.outcome.done.max(1)
    }

    /// Microseconds of all processes for a purchase, but for the bff and its database.
    pub fn cpu_without_bff(&self) -> u64 {
        let of = |all: &BTreeMap<String, u64>, name| all.get(name).copied().unwrap_or(0);
        let bff = of(&self.cpu, "bff") + of(&self.databases, "bff_db");
        let all: u64 = self.cpu.values().sum();
        all.saturating_sub(bff) / self.outcome.done.max(1)
    }

    fn json(&self) -> serde_json::Value {
        let cpu: BTreeMap<_, _> = self
            .cpu
            .keys()
            .map(|name| (name, self.cpu_per_transaction(name)))
            .collect();
        json!({
            "seconds_ms": self.seconds_ms,
            "sent": self.sent,
            "complete_per_second": self.per_second(),
            "lost": self.outcome.lost,
            "doubled": self.outcome.doubled,
            "latency_p50_tenth_ms": self.percentile(50),
            "latency_p99_tenth_ms": self.percentile(99),
            "cpu_us_per_transaction": cpu,
            "wal_bytes_per_transaction": self.wal_bytes / self.outcome.done.max(1),
            "anonymous_kib": self.memory,
        })
    }
}

/// All figures of a run.
pub struct Report {
    pub idle: Machine,
    pub steady: Phase,
    pub full: Phase,
    /// Twenty seconds after the load.
    pub rested: Machine,
}

impl Report {
    /// Prints the page and writes it to `docs/benchmark.md`, the figures to `target/bench/pipeline.json`.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        page::write(layout, &self.page()?)?;
        let folder = layout.root.join("target/bench");
        fs::create_dir_all(&folder)?;
        let figures = json!({
            "idle_anonymous_kib": self.idle.memory(),
            "rested_anonymous_kib": self.rested.memory(),
            "steady": self.steady.json(),
            "full": self.full.json(),
        });
        fs::write(
            folder.join("pipeline.json"),
            serde_json::to_string_pretty(&figures)?,
        )?;
        Ok(())
    }

    fn page(&self) -> Result<String> {
        let mut page = String::from(
            "# Benchmark of the pipeline\n\nMade by `cargo benchmark pipeline` on the local stack in release; everything, the load included, on one machine. At a fixed rate latency begins when a purchase is due.\n\n",
        );
        writeln!(page, "| figure | full load | fixed rate |\n|---|---|---|")?;
        let (full, steady) = (&self.full, &self.steady);
        let mut row = |name: &str, full: String, steady: String| {
            writeln!(page, "| {name} | {full} | {steady} |")
        };
        row(
            "complete transactions a second",
            full.per_second().to_string(),
            steady.per_second().to_string(),
        )?;
        row(
            "purchases sent",
            full.sent.to_string(),
            steady.sent.to_string(),
        )?;
        row("lost / doubled", lost(full), lost(steady))?;
        for percent in [50, 99] {
            row(
                &format!("latency p{percent}, ms"),
                tenths(full.percentile(percent)),
                tenths(steady.percentile(percent)),
            )?;
        }
        let wal = |phase: &Phase| (phase.wal_bytes / phase.outcome.done.max(1)).to_string();
        row("WAL bytes a transaction", wal(full), wal(steady))?;
        writeln!(
            page,
            "\n| process | CPU µs a transaction, full | fixed rate | anonymous KiB, idle before | full | after a rest |\n|---|---|---|---|---|---|"
        )?;
        let (idle, rested) = (self.idle.memory(), self.rested.memory());
        for name in full.cpu.keys() {
            writeln!(
                page,
                "| {name} | {} | {} | {} | {} | {} |",
                full.cpu_per_transaction(name),
                steady.cpu_per_transaction(name),
                idle.get(name).copied().unwrap_or(0),
                full.memory.get(name).copied().unwrap_or(0),
                rested.get(name).copied().unwrap_or(0),
            )?;
        }
        writeln!(
            page,
            "| all | {} | {} | | | |",
            full.cpu_of_all(),
            steady.cpu_of_all()
        )?;
        Ok(page)
    }

    /// Fails when something was lost or doubled, or a target is missed, naming each.
    pub fn check(&self) -> Result<()> {
        let mut missed = Vec::new();
        for (name, phase) in [("full load", &self.full), ("fixed rate", &self.steady)] {
            if phase.outcome.lost + phase.outcome.doubled > 0 {
                missed.push(format!("{name}: {} lost / doubled", lost(phase)));
            }
        }
        if self.full.per_second() < TARGET_PER_SECOND {
            missed.push(format!(
                "{} of {TARGET_PER_SECOND} transactions a second",
                self.full.per_second()
            ));
        }
        let (idle, rested) = (self.idle.memory(), self.rested.memory());
        for service in SERVICES {
            let name = service.name();
            for (when, memory, most) in [
                ("loaded", &self.full.memory, LOADED_KIB),
                ("idle", &idle, IDLE_KIB),
                ("after a rest", &rested, RESTED_KIB),
            ] {
                let kib = memory.get(name).copied().unwrap_or(0);
                if kib > most {
                    missed.push(format!("{name} has {kib} KiB {when}, of {most}"));
                }
            }
        }
        if missed.is_empty() {
            return Ok(());
        }
        bail!("the benchmark misses: {}", missed.join("; "))
    }
}

fn lost(phase: &Phase) -> String {
    format!("{} / {}", phase.outcome.lost, phase.outcome.doubled)
}

/// Tenths of a millisecond as milliseconds.
pub fn tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}
