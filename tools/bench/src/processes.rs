//! `cargo benchmark processes`: several processes of each service on one database, with one and with four partitions of each topic, and what
//! the death of those that work costs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use devstack::layout::Layout;
use devstack::local::{LocalStack, UNLIMITED};
use devstack::progress::Progress;
use devstack::services::Program;
use devstack::settings::Mode;
use schemas::Service;
use tokio::time::sleep;

use super::report::{Phase, tenths};
use super::{Pace, page, people, run_phase, stack};

/// How long, and of which build.
#[derive(Args, Clone, Debug)]
pub struct Processes {
    /// The folder of the release binaries; without it the clone's own
    #[arg(long)]
    built: Option<PathBuf>,
    /// Seconds of each figure
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Purchases that may be under way at once under full load
    #[arg(long, default_value_t = 4_000)]
    in_flight: u64,
    /// Print the figures only, and leave docs/benchmark.md as it is
    #[arg(long)]
    look: bool,
}

/// Processes of each service, and partitions of each topic.
const CASES: [(usize, &str); 5] = [(1, "1"), (2, "1"), (1, "4"), (2, "4"), (4, "4")];
/// The rate at which services die, in purchases a second: at full load a purchase waits longer than a death lasts.
const RATE: u64 = 500;
/// Those that a purchase goes through, in the order in which they die.
const DYING: [Service; 3] = [Service::Tracking, Service::Commission, Service::Payment];

/// Measures and writes the section.
pub async fn run(layout: &Layout, bench: Processes, progress: Progress) -> Result<()> {
    let built = stack::built(layout, bench.built.as_deref())?;
    let lasting = Duration::from_secs(bench.seconds);
    let mut text = format!(
        "## Processes\n\n`cargo benchmark processes`: so many processes of each of the six services on its one database, {} s of full load, then {RATE} purchases a \
         second while tracking's, commission's and payment's working process is killed, one after the other, and started again at once.\n\n\
         | processes of each | partitions | complete a second | p50 / p99 ms | CPU µs | of it the busiest process of each service | with the deaths: p99 / longest ms | lost / doubled |\n\
         |---|---|---|---|---|---|---|---|\n",
        bench.seconds
    );
    for (processes, partitions) in CASES {
        progress.note(&format!(
            "{processes} processes of each service, {partitions} partitions of each topic"
        ));
        let mut variables = UNLIMITED.to_vec();
        variables.push(("PULSAR_TOPIC_PARTITIONS", partitions));
        let stack = LocalStack::start_built(Mode::Hybrid, built.clone(), &variables).await?;
        for service in Service::ALL {
            for _ in 1..processes {
                stack.start_replica(service).await?;
            }
        }
        let people = people::prepare(stack.settings(), &stack).await?;
        let (mut feed, ledger) = stack::ends(&stack, people).await?;
        let full = Pace::Full(bench.in_flight);
        let at = stack.layout();
        run_phase(at, &mut feed, &ledger, full, Duration::from_secs(5)).await?;
        let loaded = run_phase(at, &mut feed, &ledger, full, lasting).await?;
        let deaths = async {
            for service in DYING {
                sleep(lasting / 4).await;
                stack.kill(Program::Service(service))?;
                stack.revive().await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        let phase = run_phase(at, &mut feed, &ledger, Pace::Rate(RATE), lasting);
        let (dying, died) = tokio::join!(phase, deaths);
        died?;
        let dying = dying?;
        let (lost, doubled) = [&loaded, &dying]
            .iter()
            .fold((0, 0), |(lost, doubled), it| {
                (lost + it.outcome.lost, doubled + it.outcome.doubled)
            });
        writeln!(
            text,
            "| {processes} | {partitions} | {} | {} / {} | {} | {} | {} / {} | {lost} / {doubled} |",
            loaded.per_second(),
            tenths(loaded.percentile(50)),
            tenths(loaded.percentile(99)),
            loaded.cpu_of_all(),
            busiest(&loaded),
            tenths(dying.percentile(99)),
            tenths(dying.outcome.latencies_us.last().copied().unwrap_or(0) / 100)
        )?;
        if lost + doubled > 0 {
            println!("{text}");
            bail!("{lost} lost, {doubled} doubled");
        }
    }
    if bench.look {
        println!("{text}");
        return Ok(());
    }
    page::write(layout, &text)
}

/// The share of what a service's processes took that the busiest of them took, in per cent.
fn busiest(phase: &Phase) -> String {
    let mut all: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (name, us) in &phase.cpu {
        let service = name.split('-').next().unwrap_or_default();
        if Service::parse(service).is_some() {
            all.entry(service).or_default().push(*us);
        }
    }
    let shares = all.into_iter().map(|(service, each)| {
        let most = each.iter().max().copied().unwrap_or(0);
        let share = most * 100 / each.iter().sum::<u64>().max(1);
        format!("{service} {share} %")
    });
    shares.collect::<Vec<_>>().join(", ")
}
