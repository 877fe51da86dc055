//! `cargo benchmark compare`: the pipeline benchmark of two builds in one run, in turn, each on a fresh stack.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use tokio::time::sleep;

use super::clients::Met;
use super::machine::Machine;
use super::others::{Others, ask_while};
use super::{Pace, page, run_phase, stack};
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::progress::Progress;

/// Which builds, and how long.
#[derive(Args, Clone, Debug)]
pub struct Compare {
    /// The folder of the earlier build's release binaries
    #[arg(long)]
    before: PathBuf,
    /// The folder of the later build's; without it the clone's own
    #[arg(long)]
    after: Option<PathBuf>,
    /// Times that each build is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of full load each time, then of 500 a second, and then of 1,000 redirects a second
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Purchases that may be under way at once
    #[arg(long, default_value_t = 4_000)]
    in_flight: u64,
}

/// Purchases a second, after the full load.
const STEADY_RATE: u64 = 500;
/// Visitors' redirects a second, after that.
const REDIRECT_RATE: u32 = 1_000;
/// A look at fewer rounds is for who looks alone.
const MIN_ROUNDS_WRITTEN: usize = 3;
/// The later build may do so much less, in per cent.
const MAX_LOST: u64 = 5;

struct Figures {
    per_second: u64,
    /// Microseconds for a transaction, of each process.
    cpu: BTreeMap<String, u64>,
    /// The same of all processes at a fixed rate, and half of the latencies there, in tenths of a millisecond.
    steady: (u64, u64),
    redirects: Redirects,
}

/// What a visitor's redirect takes: CPU of all processes in microseconds, and times to its answer in tenths of a millisecond.
#[derive(Debug)]
struct Redirects {
    cpu: u64,
    p50: u64,
    p99: u64,
}

impl Figures {
    fn cpu_of_all(&self) -> u64 {
        self.cpu.values().sum()
    }
}

/// Measures both builds in turn and fails when the later one is more than five per cent slower.
pub async fn run(layout: &Layout, compare: Compare, progress: Progress) -> Result<()> {
    let before = stack::built(layout, Some(&compare.before))?;
    let after = stack::built(layout, compare.after.as_deref())?;
    let mut measured: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
    for round in 0..compare.rounds {
        // First the one, then the other: what the machine does in the long run meets both alike.
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let figures = measure([&before, &after][side], &compare, progress).await?;
            let name = ["before", "after"][side];
            println!(
                "round {}, {name}: {} a second, {} µs CPU; at a fixed rate {:?}; {:?}",
                round + 1,
                figures.per_second,
                figures.cpu_of_all(),
                figures.steady,
                figures.redirects
            );
            measured[side].push(figures);
        }
    }
    let [before, after] = measured;
    let fast = |figures: &Figures| figures.per_second;
    let speed = (median(&before, fast), median(&after, fast));
    let all = Figures::cpu_of_all;
    let cost = (median(&before, all), median(&after, all));
    let mut section = format!(
        "## Two builds\n\n`cargo benchmark compare --before <folder>`: the pipeline under full load by the binaries of an earlier commit \
         and by these, in turn on fresh stacks; medians of {} times {} s.\n\n| figure | before | after | after, in % of before |\n|---|---|---|---|\n",
        compare.rounds, compare.seconds
    );
    let steady_cpu = |figures: &Figures| figures.steady.0;
    let steady_p50 = |figures: &Figures| figures.steady.1;
    let mut lines = vec![
        (
            "at 500 a second: CPU µs a transaction".to_owned(),
            (median(&before, steady_cpu), median(&after, steady_cpu)),
        ),
        (
            "at 500 a second: latency p50, tenths of a ms".to_owned(),
            (median(&before, steady_p50), median(&after, steady_p50)),
        ),
        (
            "at 1,000 redirects a second: CPU µs a redirect".to_owned(),
            (
                median(&before, |it| it.redirects.cpu),
                median(&after, |it| it.redirects.cpu),
            ),
        ),
        (
            "redirects: latency p50, tenths of a ms".to_owned(),
            (
                median(&before, |it| it.redirects.p50),
                median(&after, |it| it.redirects.p50),
            ),
        ),
        (
            "redirects: latency p99, tenths of a ms".to_owned(),
            (
                median(&before, |it| it.redirects.p99),
                median(&after, |it| it.redirects.p99),
            ),
        ),
        ("complete transactions a second".to_owned(), speed),
        ("CPU µs a transaction".to_owned(), cost),
    ];
    let processes = after.first().into_iter().flat_map(|one| one.cpu.keys());
    lines.extend(processes.map(|process| {
        let of = |figures: &Figures| figures.cpu.get(process).copied().unwrap_or(0);
        (
            format!("of it {process}"),
            (median(&before, of), median(&after, of)),
        )
    }));
    for (name, (before, after)) in lines {
        let percent = after * 100 / before.max(1);
        writeln!(section, "| {name} | {before} | {after} | {percent} |")?;
    }
    if compare.rounds >= MIN_ROUNDS_WRITTEN {
        page::write(layout, &section)?;
    } else {
        println!(
            "{section}\nFewer than {MIN_ROUNDS_WRITTEN} rounds say nothing for others: docs/benchmark.md is left as it is."
        );
    }
    if speed.1 * 100 < speed.0 * (100 - MAX_LOST) {
        bail!("the later build does more than {MAX_LOST} % less");
    }
    Ok(())
}

async fn measure(built: &Path, compare: &Compare, progress: Progress) -> Result<Figures> {
    let (stack, people) = stack::start(built, progress).await?;
    let others = Others::new(&stack, people.campaign.clone())?;
    let (mut feed, ledger) = stack::ends(&stack, people).await?;
    let pace = Pace::Full(compare.in_flight);
    let warming = Duration::from_secs(10);
    run_phase(stack.layout(), &mut feed, &ledger, pace, warming).await?;
    let lasting = Duration::from_secs(compare.seconds);
    let phase = run_phase(stack.layout(), &mut feed, &ledger, pace, lasting).await?;
    if phase.outcome.lost + phase.outcome.doubled > 0 {
        bail!(
            "{} lost, {} doubled",
            phase.outcome.lost,
            phase.outcome.doubled
        );
    }
    let pace = Pace::Rate(STEADY_RATE);
    let steady = run_phase(stack.layout(), &mut feed, &ledger, pace, lasting).await?;
    let done = phase.outcome.done.max(1);
    let each = |(name, cpu): (&String, &u64)| (name.clone(), cpu / done);
    Ok(Figures {
        per_second: phase.per_second(),
        cpu: phase.cpu.iter().map(each).collect(),
        steady: (
            steady.cpu.values().sum::<u64>() / steady.outcome.done.max(1),
            steady.percentile(50),
        ),
        redirects: redirects(&stack, &others, lasting).await?,
    })
}

async fn redirects(stack: &LocalStack, others: &Others, lasting: Duration) -> Result<Redirects> {
    let before = Machine::read(stack.layout())?;
    let visitors = [others.redirects(REDIRECT_RATE)];
    let met = ask_while(&visitors, 0, sleep(lasting)).await?;
    let cpu: u64 = Machine::read(stack.layout())?
        .cpu_since(&before)
        .values()
        .sum();
    let [(_, met)]: [(_, Met); 1] = met.try_into().map_err(|_| anyhow!("one kind was asked"))?;
    if met.refused + met.failed > 0 {
        bail!("redirects: {} refused, {} failed", met.refused, met.failed);
    }
    Ok(Redirects {
        cpu: cpu / met.latencies_us.len().max(1) as u64,
        p50: met.percentile(50),
        p99: met.percentile(99),
    })
}

fn median(all: &[Figures], of: impl Fn(&Figures) -> u64) -> u64 {
    let mut all: Vec<u64> = all.iter().map(of).collect();
    all.sort_unstable();
    let half = all.len() / 2;
    let upper = all.get(half).copied().unwrap_or(0);
    let lower = all.get(all.len().saturating_sub(1) / 2).copied();
    lower.unwrap_or(0).midpoint(upper)
}
