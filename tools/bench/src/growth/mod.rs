//! `cargo benchmark growth`: the same figures on an empty stack and on one with years of purchases, and what operators do with that.

mod disk;
mod population;
mod reads;
mod upkeep;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use devstack::layout::Layout;
use devstack::local::{LocalStack, UNLIMITED};
use devstack::producers;
use devstack::progress::Progress;
use devstack::services::Program;
use devstack::settings::Mode;
use schemas::Service;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::feed::Feed;
use super::ledger::Ledger;
use super::machine::Machine;
use super::report::{Phase, tenths};
use super::{Pace, page, run_phase, stack};
use population::Population;
use reads::Reads;

/// How much, and of which build.
#[derive(Args, Clone, Debug)]
pub struct Growth {
    /// The folder of the release binaries; without it the clone's own
    #[arg(long)]
    built: Option<PathBuf>,
    /// Purchases that are in the ledger before the second half of the figures is taken
    #[arg(long, default_value_t = 5_000_000)]
    purchases: u64,
    /// Partners, each with one link in one campaign
    #[arg(long, default_value_t = 100_000)]
    partners: u32,
    /// Brands
    #[arg(long, default_value_t = 1_000)]
    brands: u32,
    /// Campaigns of all brands
    #[arg(long, default_value_t = 5_000)]
    campaigns: u32,
    /// Seconds of each figure
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Purchases that may be under way at once under full load
    #[arg(long, default_value_t = 4_000)]
    in_flight: u64,
    /// Leave out what operators do
    #[arg(long)]
    no_upkeep: bool,
    /// Leave the stack running, for a look at it; whoever does stops its processes and removes its folder
    #[arg(long)]
    keep: bool,
    /// Print the figures only, and leave docs/benchmark.md as it is
    #[arg(long)]
    look: bool,
}

/// The rate that latency is measured at, in purchases a second.
const RATE: u64 = 500;
/// One round of growing.
const ROUND: Duration = Duration::from_mins(1);
/// After a flood memory comes back within this time.
const REST: Duration = Duration::from_mins(1);

/// What was recorded in so many microseconds before the newest is summed when somebody asks.
const NOT_SUMMED_US: i64 = 20_000_000;

/// The figures of one moment.
struct Figures {
    purchases: u64,
    full: Phase,
    steady: Phase,
    rested: Machine,
    reads: Reads,
    /// From the end of the load until reports' sums had all of it but the last seconds'.
    summed_s: u64,
    /// From the start of a killed service's next process until it is ready, in milliseconds.
    ready: Vec<(Service, u64)>,
}

/// A stack that grows.
struct Grown<'a> {
    growth: &'a Growth,
    stack: &'a LocalStack,
    population: Population,
    feed: Feed,
    ledger: Ledger,
    purchases: u64,
    progress: Progress,
}

/// Measures and writes the section.
pub async fn run(layout: &Layout, growth: Growth, progress: Progress) -> Result<()> {
    let built = stack::built(layout, growth.built.as_deref())?;
    progress.note("a stack of its own");
    let population = Population {
        brands: growth.brands,
        campaigns: growth.campaigns,
        partners: growth.partners,
    };
    let known = [producers::local()?, population.producers()?].join(";");
    let mut variables = UNLIMITED.to_vec();
    variables.push((producers::VARIABLE, &known));
    let stack = LocalStack::start_built(Mode::Hybrid, built, &variables).await?;
    let began = Instant::now();
    let people = population.make(&stack, progress).await?;
    let made_in = began.elapsed().as_secs();
    let (feed, ledger) = stack::ends(&stack, people).await?;
    let mut grown = Grown {
        growth: &growth,
        stack: &stack,
        population,
        feed,
        ledger,
        purchases: 0,
        progress,
    };
    let full = Pace::Full(growth.in_flight);
    progress.note("warming up");
    grown.phase(full, Duration::from_secs(10)).await?;
    let before = grown.figures().await?;
    let mut rounds = Vec::new();
    while grown.purchases < growth.purchases {
        let phase = grown.phase(full, ROUND).await?;
        let (rate, p99) = (phase.per_second(), tenths(phase.percentile(99)));
        progress.note(&format!(
            "{} purchases, {rate} a second, p99 {p99} ms",
            grown.purchases
        ));
        rounds.push((grown.purchases, rate, p99));
    }
    sleep(REST).await;
    let after = grown.figures().await?;
    let disk = disk::table(&stack, grown.purchases).await?;
    let (upkeep, broken) = if growth.no_upkeep {
        Default::default()
    } else {
        Box::pin(upkeep::run(&stack, progress)).await?
    };
    if growth.keep {
        progress.note(&format!("kept: {}", stack.layout().state.display()));
        std::mem::forget(stack);
    }
    let section = section(&growth, made_in, &rounds, &before, after)? + &disk + &upkeep;
    if growth.look {
        println!("{section}");
    } else {
        page::write(layout, &section)?;
    }
    ensure!(broken.is_empty(), "{}", broken.join("; "));
    Ok(())
}

impl Grown<'_> {
    async fn phase(&mut self, pace: Pace, lasting: Duration) -> Result<Phase> {
        let layout = self.stack.layout();
        let phase = run_phase(layout, &mut self.feed, &self.ledger, pace, lasting).await?;
        let (lost, doubled) = (phase.outcome.lost, phase.outcome.doubled);
        if lost + doubled > 0 {
            bail!("{lost} lost, {doubled} doubled");
        }
        self.purchases += phase.outcome.done;
        Ok(phase)
    }

    /// Waits until the bff has summed what reports show.
    async fn until_summed(&self) -> Result<()> {
        let pool = PgPool::connect(&self.stack.database_url(Service::Bff)?).await?;
        let behind = "SELECT (SELECT recorded_at FROM conversions ORDER BY position DESC LIMIT 1) - summed_to FROM report_horizon";
        loop {
            let behind: i64 = sqlx::query_scalar(behind).fetch_one(&pool).await?;
            if behind < NOT_SUMMED_US {
                return Ok(());
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn figures(&mut self) -> Result<Figures> {
        let lasting = Duration::from_secs(self.growth.seconds);
        self.progress.note("an ordinary day");
        let ordinary = self.phase(Pace::Rate(RATE), lasting).await?;
        self.progress.note("full load");
        let full = self
            .phase(Pace::Full(self.growth.in_flight), lasting)
            .await?;
        self.progress.note("rest");
        sleep(REST).await;
        let rested = Machine::read(self.stack.layout())?;
        let resting = Instant::now();
        self.until_summed().await?;
        let summed_s = (REST + resting.elapsed()).as_secs();
        self.progress.note("reads");
        let taken = reads::ask(self.stack, self.population).await?;
        self.progress
            .note("each service is killed and starts again");
        let mut ready = Vec::new();
        for service in Service::ALL {
            let program = Program::Service(service);
            self.stack.kill(program)?;
            let began = Instant::now();
            self.stack.restart(program).await?;
            ready.push((service, u64::try_from(began.elapsed().as_millis())?));
        }
        Ok(Figures {
            purchases: self.purchases,
            full,
            steady: ordinary,
            rested,
            reads: taken,
            summed_s,
            ready,
        })
    }
}

fn section(
    growth: &Growth,
    made_in: u64,
    rounds: &[(u64, u64, String)],
    before: &Figures,
    mut after: Figures,
) -> Result<String> {
    let mut page = format!(
        "## Growth\n\n`cargo benchmark growth`: {} partners with a link each in {} campaigns of {} brands, made through the public interface in \
         {made_in} s, and purchases through the pipeline, of which one partner has a twentieth and a hundredth of them half. {} s of each figure.\n\n",
        growth.partners, growth.campaigns, growth.brands, growth.seconds
    );
    let both = [before, &after];
    let mut row = |name: &str, of: &dyn Fn(&Figures) -> String| {
        let [before, after] = both.map(of);
        writeln!(page, "| {name} | {before} | {after} |")
    };
    row("purchases in the ledger", &|it| it.purchases.to_string())?;
    row("---", &|_| "---".to_owned())?;
    row("complete a second under full load", &|it| {
        it.full.per_second().to_string()
    })?;
    row("CPU µs a purchase", &|it| it.full.cpu_of_all().to_string())?;
    row("p50 / p99 ms", &|it| times(&it.full))?;
    row(&format!("at {RATE} a second: CPU µs a purchase"), &|it| {
        it.steady.cpu_of_all().to_string()
    })?;
    row("p50 / p99 ms", &|it| times(&it.steady))?;
    row("the slowest list or sum, ms", &|it| it.reads.slowest().0)?;
    row("reports' sums follow the load by at most, s", &|it| {
        it.summed_s.to_string()
    })?;
    row("the slowest explanation or timeline, ms", &|it| {
        it.reads.slowest().1
    })?;
    for (index, service) in Service::ALL.into_iter().enumerate() {
        row(&format!("{service}: killed, until ready, ms"), &|it| {
            it.ready
                .get(index)
                .map_or(String::new(), |(_, ms)| ms.to_string())
        })?;
    }
    let memory: BTreeMap<String, u64> = before.rested.memory();
    for name in memory.keys() {
        row(
            &format!("{name}: MiB under full load / a minute later"),
            &|it| {
                let mib = |all: &BTreeMap<String, u64>| all.get(name).copied().unwrap_or(0) / 1_024;
                format!("{} / {}", mib(&it.full.memory), mib(&it.rested.memory()))
            },
        )?;
    }
    writeln!(
        page,
        "\n| purchases | complete a second | p99 ms |\n|---|---|---|"
    )?;
    for (purchases, rate, p99) in rounds {
        writeln!(page, "| {purchases} | {rate} | {p99} |")?;
    }
    page += &after.reads.table()?;
    Ok(page)
}

fn times(phase: &Phase) -> String {
    let [p50, p99] = [50, 99].map(|percent| tenths(phase.percentile(percent)));
    format!("{p50} / {p99}")
}
