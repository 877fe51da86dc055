//! `cargo benchmark`: its words.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::token::GenerateJwt;
use devstack::up;

use crate::{
    Bench, backlog, builds, compare, edge, growth, load, outage, pipeline, processes, starvation,
    streams, webhooks,
};

/// The words of the command line.
#[derive(Parser)]
#[command(
    name = "bench",
    bin_name = "cargo benchmark",
    about = "Measures the stack"
)]
pub struct Arguments {
    #[command(subcommand)]
    what: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Purchases from the tracking command topic to the ledger: throughput, latency, CPU, memory, WAL
    Pipeline(Bench),
    /// What a purchase costs at ordinary and at full load, and what an idle stack costs, on a stack of its own
    Load(load::Load),
    /// The same on an empty stack and with years of data, and what operators do with that, on a stack of its own
    Growth(growth::Growth),
    /// Several processes of each service, and the death of those that work, on stacks of its own
    Processes(processes::Processes),
    /// What visitors, shops and people are served, beside a bare program, on a stack of its own
    Edge(edge::Edge),
    /// People's requests while a backlog is worked off, on a stack of its own
    Backlog(backlog::Backlog),
    /// Others' requests while one token begins many and does not go on, on a stack of its own
    Starvation(starvation::Starvation),
    /// What open live feeds cost, on a stack of its own
    Streams(streams::Streams),
    /// How soon customers' systems are sent what happens, and what those that hang change of that, on a stack of its own
    Webhooks(webhooks::Webhooks),
    /// The broker killed for a while under load, on a stack of its own
    Outage(outage::Outage),
    /// The pipeline of two builds in turn, each on a stack of its own
    Compare(compare::Compare),
    /// What building costs, how large the images are and which tests take longest, in a clone of its own
    Builds(builds::Builds),
}

impl Arguments {
    /// Measures what was asked.
    pub async fn run(self) -> Result<ExitCode> {
        let layout = Layout::find();
        match self.what {
            Benchmark::Pipeline(bench) => {
                let settings = up::as_started(&layout)?;
                let built = layout.built("release");
                let tokens = GenerateJwt::new(&layout, &settings, &built);
                pipeline(&layout, &settings, &tokens, bench, Progress).await?;
            }
            Benchmark::Load(bench) => load::run(&layout, bench, Progress).await?,
            Benchmark::Growth(bench) => growth::run(&layout, bench, Progress).await?,
            Benchmark::Processes(bench) => {
                Box::pin(processes::run(&layout, bench, Progress)).await?;
            }
            Benchmark::Edge(bench) => edge::run(&layout, bench, Progress).await?,
            Benchmark::Backlog(bench) => backlog::run(&layout, bench, Progress).await?,
            Benchmark::Starvation(bench) => starvation::run(&layout, bench, Progress).await?,
            Benchmark::Streams(bench) => streams::run(&layout, bench, Progress).await?,
            Benchmark::Webhooks(bench) => webhooks::run(&layout, bench, Progress).await?,
            Benchmark::Outage(bench) => outage::run(&layout, bench, Progress).await?,
            Benchmark::Compare(bench) => compare::run(&layout, bench, Progress).await?,
            Benchmark::Builds(bench) => builds::run(&layout, &bench, Progress)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
