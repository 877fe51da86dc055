//! `cargo xtask drill`: a real stack under a seeded workload while its processes, servers and connections are broken;
//! then everything settles and the books are checked. What it does and how to read it: `docs/drill.md`.

mod act;
mod after;
mod breaker;
mod client;
mod fault;
mod foreign;
mod journal;
mod link;
mod plan;
mod point;
mod proxy;
mod random;
mod replica;
mod report;
mod servers;
mod stack;
mod strewn;
mod tap;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::Instant;

use crate::check::{self, Books};
use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::Mode;
use crate::{test_run, tools};

pub use fault::Kind;
pub use report::Report;

use breaker::Breaker;
use fault::{FaultPlan, Field};
use plan::Plan;
use stack::DrillStack;
use workload::Workload;

/// How a drill runs.
#[derive(Args, Clone, Debug)]
pub struct Drill {
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
    /// Instead, what `tributary planted` does with these names of faults, `none` or `all`
    #[arg(long, value_delimiter = ',')]
    pub planted: Vec<String>,
}

impl Default for Drill {
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
            planted: Vec::new(),
        }
    }
}

/// Runs a drill in a folder that is removed when every rule holds, and prints its report. False when one is broken.
pub async fn command(layout: &Layout, drill: &Drill) -> Result<bool> {
    tools::ensure(true)?;
    let drills = layout.state.join("drill");
    test_run::sweep(&drills, false)?;
    let pid = std::process::id();
    let folder = drills.join(format!("{}-{}-{pid}", drill.mode.name(), drill.seed));
    test_run::own(&folder)?;
    let report = tokio::select! {
        report = run(layout, drill, folder.clone()) => report,
        () = told_to_end() => Err(anyhow::anyhow!("told to end")),
    };
    let holds = report.as_ref().is_ok_and(Report::holds);
    if let Ok(report) = &report {
        println!("\n{}\n", report.text());
        check::print(&report.findings);
    }
    if holds {
        crate::stack::Postgres::wipe(&folder.join("postgres"))?;
        std::fs::remove_dir_all(&folder)?;
    } else {
        test_run::disown(&folder)?;
        println!("\nlogs and data: {}", folder.display());
    }
    report.map(|_| holds)
}

async fn told_to_end() {
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

/// Runs a drill in this folder, and leaves its logs and data there.
pub async fn run(layout: &Layout, drill: &Drill, folder: PathBuf) -> Result<Report> {
    let seconds = drill.seconds.unwrap_or(drill.minutes * 60);
    let plan = Plan::new(drill.seed, seconds, drill.journeys);
    let built = layout.built(&drill.built);
    let stack = DrillStack::start(&folder, &built, drill.mode, drill.replicas, drill.seed).await?;
    let ids: Vec<_> = stack
        .replicas
        .iter()
        .map(|replica| replica.launch.id)
        .collect();
    let field = Field {
        replicas: &ids,
        broker: stack.servers.has_broker(),
        only: &drill.fault,
    };
    let faults = FaultPlan::new(drill.seed, seconds, drill.pace_ms, &field);
    let head = format!(
        "drill: seed {}, {seconds} s, mode {}, {} replicas of each service, {} build\nworkload {} ({} journeys, {} commands), faults {} ({})",
        drill.seed,
        drill.mode.name(),
        drill.replicas,
        drill.built,
        plan.digest(),
        plan.journeys.len(),
        plan.commands(),
        faults.digest(),
        faults.0.len(),
    );
    Progress.note(&head);
    let workload = Workload::new(&stack, drill.mode)?;
    workload.open(&plan).await?;
    let breaker = Breaker::new(&stack)?;
    let begun = Instant::now();
    tokio::join!(
        workload.run(&plan, begun),
        breaker.run(&faults, begun),
        told(&breaker, &workload, begun, Duration::from_secs(seconds)),
    );
    Progress.note(&format!(
        "everything whole again after {:?}; settling",
        begun.elapsed()
    ));
    let books = Books::of(stack.layout(), stack.settings(), built)?;
    let moving = after::settle(&stack, &books).await?;
    let lives: Vec<_> = stack.replicas.iter().map(replica::Replica::lives).collect();
    let mut notes = workload.journal.note(|notes| notes.clone());
    notes.meant_aside = after::meant_aside(&stack).await?;
    let findings = check::check(&books, &notes.journal()).await?;
    let canonical = check::canonical(&books).await?;
    let fired = breaker.fired();
    let mut broken = notes.surprises.clone();
    broken.extend(moving);
    broken.extend(
        fired
            .problems
            .iter()
            .map(|told| format!("the drill itself: {told}")),
    );
    let alone = lives.iter().flat_map(|lives| &lives.ended_alone);
    broken.extend(alone.map(|told| format!("ended by itself: {told}")));
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
async fn told(breaker: &Breaker<'_>, workload: &Workload, begun: Instant, lasting: Duration) {
    const EACH: Duration = Duration::from_secs(30);
    while begun.elapsed() + EACH <= lasting {
        tokio::time::sleep(EACH).await;
        let (fired, seconds) = (breaker.fired(), begun.elapsed().as_secs());
        let (told, surprises) = workload
            .journal
            .note(|notes| (notes.told.len(), notes.surprises.len()));
        Progress.note(&format!(
            "{seconds} s: {} kills, {told} commands taken, {surprises} surprises",
            fired.kills
        ));
    }
}
