//! `cargo chaos run`: a real stack under a seeded workload while its processes, servers and connections are broken;
//! then everything settles and the records are checked. What it does and how to read it: `docs/chaos.md`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

mod act;
mod after;
mod breaker;
mod client;
mod command;
mod external_producers;
mod fault;
pub mod faults;
mod journal;
mod link;
mod onboarded;
mod plan;
mod point;
mod proxy;
mod random;
mod replica;
mod report;
mod requested;
mod servers;
mod stack;
mod strewn;
mod tap;
mod workload;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::Instant;

use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::runs;
use devstack::settings::Mode;
use devstack::tools;
use invariants::Records;

pub use command::Arguments;
pub use fault::Kind;
pub use report::Report;

use breaker::Breaker;
use fault::{FaultPlan, Field};
use plan::Plan;
use stack::ChaosStack;
use workload::Workload;

/// How a run goes.
#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    /// Of workload and faults; the same seed gives the same ones
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How long things are broken
    #[arg(long, default_value_t = 2)]
    pub minutes: u64,
    /// The mode of all four services
    #[arg(long, default_value = "hybrid")]
    pub mode: Mode,
    /// Processes of each service: 1 or 2
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub replicas: u8,
    /// Only these kinds of faults
    #[arg(long, value_delimiter = ',')]
    pub fault: Vec<Kind>,
    /// Which build: release or debug
    #[arg(long, default_value = "release")]
    pub built: String,
    /// Milliseconds between two faults
    #[arg(long, default_value_t = 1_000)]
    pub pace_ms: u64,
    /// Journeys that begin each minute
    #[arg(long, default_value_t = 40)]
    pub journeys: u64,
    /// Seconds instead of minutes
    #[arg(long, hide = true)]
    pub seconds: Option<u64>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            minutes: 2,
            mode: Mode::Hybrid,
            replicas: 2,
            fault: Vec::new(),
            built: "release".to_owned(),
            pace_ms: 1_000,
            journeys: 40,
            seconds: None,
        }
    }
}

/// Makes a run in a folder that is removed when every rule holds, and prints its report. False when one is broken.
pub async fn command(layout: &Layout, options: &RunOptions) -> Result<bool> {
    tools::ensure(true)?;
    let runs = layout.state.join("chaos");
    runs::sweep(&runs, false)?;
    let pid = std::process::id();
    let folder = runs.join(format!("{}-{}-{pid}", options.mode.name(), options.seed));
    runs::own(&folder)?;
    let report = tokio::select! {
        report = run(layout, options, folder.clone()) => report,
        () = signalled() => Err(anyhow::anyhow!("stopped by a signal")),
    };
    let holds = report.as_ref().is_ok_and(Report::holds);
    if let Ok(report) = &report {
        println!("\n{}\n", report.text());
        invariants::print(&report.findings);
    }
    if holds {
        remove(&folder)?;
    } else {
        runs::disown(&folder)?;
        println!("\nlogs and data: {}", folder.display());
    }
    report.map(|_| holds)
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Removes the logs and data of a run.
pub fn remove(folder: &Path) -> Result<()> {
    devstack::stack::Postgres::wipe(&folder.join("postgres"))?;
    Ok(std::fs::remove_dir_all(folder)?)
}

/// Makes a run in this folder, and leaves its logs and data there.
pub async fn run(layout: &Layout, options: &RunOptions, folder: PathBuf) -> Result<Report> {
    let seconds = options.seconds.unwrap_or(options.minutes * 60);
    let plan = Plan::new(options.seed, seconds, options.journeys);
    let built = layout.built(&options.built);
    let stack = ChaosStack::start(
        &folder,
        &built,
        options.mode,
        options.replicas,
        options.seed,
    )
    .await?;
    let ids: Vec<_> = stack
        .replicas
        .iter()
        .map(|replica| replica.launch.id)
        .collect();
    let field = Field {
        replicas: &ids,
        broker: stack.servers.has_broker(),
        only: &options.fault,
    };
    let faults = FaultPlan::new(options.seed, seconds, options.pace_ms, &field);
    let head = format!(
        "chaos: seed {}, {seconds} s, mode {}, {} replicas of each service, {} build\nworkload {} ({} journeys, {} commands), faults {} ({})",
        options.seed,
        options.mode.name(),
        options.replicas,
        options.built,
        plan.digest(),
        plan.journeys.len(),
        plan.commands(),
        faults.digest(),
        faults.0.len(),
    );
    Progress.note(&head);
    let workload = Workload::new(&stack, options.mode)?;
    workload.open(&plan).await?;
    let breaker = Breaker::new(&stack)?;
    let begun = Instant::now();
    tokio::join!(
        workload.run(&plan, begun),
        breaker.run(&faults, begun),
        report_progress(&breaker, &workload, begun, Duration::from_secs(seconds)),
    );
    Progress.note(&format!(
        "everything whole again after {:?}; settling",
        begun.elapsed()
    ));
    let records = Records::of(stack.layout(), stack.settings(), built, None)?;
    let fired = breaker.fired();
    let swallowed = after::swallowed(&stack, &fired.refusals).await?;
    let moving = after::settle(&stack, &records).await?;
    let lives: Vec<_> = stack.replicas.iter().map(replica::Replica::lives).collect();
    let notes = workload.journal.note(|notes| notes.clone());
    let findings = invariants::check(&records, &notes.journal()).await?;
    let canonical = invariants::canonical(&records).await?;
    let mut broken = notes.surprises.clone();
    broken.extend(swallowed);
    broken.extend(moving);
    broken.extend(
        fired
            .problems
            .iter()
            .map(|reported| format!("the run itself: {reported}")),
    );
    let alone = lives.iter().flat_map(|lives| &lives.ended_alone);
    broken.extend(alone.map(|reported| format!("ended by itself: {reported}")));
    Ok(Report {
        head,
        fired,
        notes,
        lives,
        broken,
        findings,
        canonical,
    })
}

/// A line now and then, while it lasts.
async fn report_progress(
    breaker: &Breaker<'_>,
    workload: &Workload,
    begun: Instant,
    lasting: Duration,
) {
    const EACH: Duration = Duration::from_secs(30);
    while begun.elapsed() + EACH <= lasting {
        tokio::time::sleep(EACH).await;
        let (fired, seconds) = (breaker.fired(), begun.elapsed().as_secs());
        let (reported, surprises) = workload
            .journal
            .note(|notes| (notes.acknowledged.len(), notes.surprises.len()));
        Progress.note(&format!(
            "{seconds} s: {} kills, {reported} commands taken, {surprises} surprises",
            fired.kills
        ));
    }
}
