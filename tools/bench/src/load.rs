//! `cargo benchmark load`: what a purchase costs where little, some and as much as possible is bought, and what a stack costs at which
//! nothing happens.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use devstack::layout::Layout;
use devstack::progress::Progress;
use tokio::time::sleep;

use super::machine::Machine;
use super::report::Phase;
use super::stages::Stages;
use super::statements::{self, Statements};
use super::{Pace, floor, page, run_phase, stack};

/// How long, and of which build.
#[derive(Args, Clone, Debug)]
pub struct Load {
    /// The folder of the release binaries; without it the clone's own
    #[arg(long)]
    built: Option<PathBuf>,
    /// Seconds at each rate
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Purchases that may be under way at once under full load
    #[arg(long, default_value_t = 4_000)]
    in_flight: u64,
    /// Print the figures only, and leave docs/benchmark.md as it is
    #[arg(long)]
    look: bool,
}

/// Purchases a second.
const RATES: [u64; 3] = [50, 500, 1_500];
/// Before anything is measured, so long at full load and then at this rate: what runs for days has been compiled by its machine.
const WARM_UP: Duration = Duration::from_secs(20);
const WARMING: u64 = 500;
/// After a flood memory comes back within this time.
const REST: Duration = Duration::from_mins(1);

/// CPU of each process, in microseconds, over so long.
struct Idle {
    cpu: BTreeMap<String, u64>,
    lasting: Duration,
}

impl Idle {
    /// In hundredths of a per cent of one core.
    fn share(&self, of: impl Fn(&str) -> bool) -> u64 {
        let cpu = self.cpu.iter().filter(|(name, _)| of(name));
        let us: u64 = cpu.map(|(_, us)| us).sum();
        us * 10_000 / u64::try_from(self.lasting.as_micros()).unwrap_or(1).max(1)
    }
}

/// Measures and writes the section.
pub async fn run(layout: &Layout, load: Load, progress: Progress) -> Result<()> {
    let built = stack::built(layout, load.built.as_deref())?;
    let (stack, people) = stack::start(&built, progress).await?;
    let (mut feed, ledger) = stack::ends(&stack, people).await?;
    let lasting = Duration::from_secs(load.seconds);
    let (at, full) = (stack.layout(), Pace::Full(load.in_flight));
    let statements = Statements::open(&stack).await?;
    let stages = Stages::open(stack.settings()).await?;
    progress.note("warming up");
    for pace in [full, Pace::Rate(WARMING)] {
        run_phase(at, &mut feed, &ledger, pace, WARM_UP).await?;
    }
    progress.note("resting, with nothing to do");
    sleep(Duration::from_secs(15)).await;
    statements.begin().await?;
    let before = Machine::read(at)?;
    sleep(lasting).await;
    let cpu = Machine::read(at)?.cpu_since(&before);
    let idle = Idle { cpu, lasting };
    let taken = statements.taken().await?;
    let mut tables = statements::table("rest", &taken, (load.seconds, "a second"))?;
    let mut phases = Vec::new();
    let rates = RATES.map(|rate| (format!("{rate} a second"), Pace::Rate(rate)));
    for (name, pace) in rates.into_iter().chain([("full load".to_owned(), full)]) {
        progress.note(&name);
        statements.begin().await?;
        let began = stages.mark().await?;
        let phase = run_phase(at, &mut feed, &ledger, pace, lasting).await?;
        let (taken, done) = (statements.taken().await?, phase.outcome.done);
        tables += &stages.table(&name, &began, feed.sent_at()).await?;
        tables += &statements::table(&name, &taken, (done, "a purchase"))?;
        phases.push((name, phase));
    }
    progress.note("resting, for memory after load");
    sleep(REST).await;
    let rested = Machine::read(at)?;
    progress.note("rows by themselves");
    let of_full = phases
        .last()
        .map_or(0, |(_, it)| it.cpu_per_transaction("postgres"));
    tables += &floor::table(&stack, of_full).await?;
    let section = section(&load, &idle, &phases, &rested)? + &tables;
    if load.look {
        println!("{section}");
    } else {
        page::write(layout, &section)?;
    }
    for (name, phase) in &phases {
        let (lost, doubled) = (phase.outcome.lost, phase.outcome.doubled);
        if lost + doubled > 0 {
            bail!("{name}: {lost} lost, {doubled} doubled");
        }
    }
    Ok(())
}

fn section(
    load: &Load,
    idle: &Idle,
    phases: &[(String, Phase)],
    rested: &Machine,
) -> Result<String> {
    let mut page = format!(
        "## Load\n\n`cargo benchmark load`: {} s each, on a stack of its own in hybrid mode; CPU µs a purchase, and memory in KiB. At a fixed rate latency begins when a purchase is due.\n\n",
        load.seconds
    );
    let names: Vec<&str> = phases.iter().map(|(name, _)| name.as_str()).collect();
    writeln!(page, "| | {} |", names.join(" | "))?;
    writeln!(page, "|---|{}", "---|".repeat(names.len()))?;
    let mut row = |name: &str, of: &dyn Fn(&Phase) -> String| {
        let cells: Vec<String> = phases.iter().map(|(_, phase)| of(phase)).collect();
        writeln!(page, "| {name} | {} |", cells.join(" | "))
    };
    row("complete a second", &|it| it.per_second().to_string())?;
    for percent in [50, 99] {
        let tenths = |it: &Phase| super::report::tenths(it.percentile(percent));
        row(&format!("latency p{percent}, ms"), &tenths)?;
    }
    row("CPU of all", &|it| it.cpu_of_all().to_string())?;
    let without = "of all but the bff and its database";
    row(without, &|it| it.cpu_without_bff().to_string())?;
    for name in idle.cpu.keys() {
        row(name, &|it| it.cpu_per_transaction(name).to_string())?;
    }
    let databases = phases.last().into_iter().flat_map(|(_, it)| &it.databases);
    for (name, _) in databases {
        let of = |it: &Phase| it.databases.get(name).copied().unwrap_or(0);
        row(&format!("postgres: {name}"), &|it| {
            (of(it) / it.outcome.done.max(1)).to_string()
        })?;
    }
    row("WAL bytes", &|it| {
        (it.wal_bytes / it.outcome.done.max(1)).to_string()
    })?;
    let servers = |name: &str| ["postgres", "pulsar"].contains(&name);
    let percent = |share: u64| format!("{}.{:02} %", share / 100, share % 100);
    writeln!(
        page,
        "\nWith nothing to do the services take {} of a core in all, Postgres {} and Pulsar {}.\n",
        percent(idle.share(|name| !servers(name))),
        percent(idle.share(|name| name == "postgres")),
        percent(idle.share(|name| name == "pulsar"))
    )?;
    writeln!(
        page,
        "| anonymous memory, KiB | under full load | {} s later |\n|---|---|---|",
        REST.as_secs()
    )?;
    let rested = rested.memory();
    for (name, loaded) in phases.last().into_iter().flat_map(|(_, it)| &it.memory) {
        let later = rested.get(name).copied().unwrap_or(0);
        writeln!(page, "| {name} | {loaded} | {later} |")?;
    }
    Ok(page)
}
