//! What the stack does under load. `cargo benchmark pipeline`: purchases enter at the tracking command topic and count when the ledger transfer of their
//! commission is committed in payment's database. Linux only: CPU and memory are read from `/proc`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

pub mod backlog;
mod bare;
pub mod builds;
mod clients;
mod command;
pub mod compare;
pub mod edge;
mod feed;
mod floor;
pub mod growth;
mod ledger;
pub mod load;
mod machine;
mod others;
pub mod outage;
mod page;
mod people;
pub mod processes;
mod report;
mod stack;
mod stages;
pub mod starvation;
mod statements;
pub mod streams;
pub mod webhooks;
mod wire;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use schemas::Service;
use tokio::time::Instant;

use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::settings::Settings;

pub use command::Arguments;

use feed::Feed;
use ledger::Ledger;
use machine::Machine;
use report::{Phase, Report};

/// How the benchmark runs.
#[derive(Args, Clone, Copy)]
pub struct Bench {
    /// Seconds of full load
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds at the fixed rate that latency is measured at
    #[arg(long, default_value_t = 30)]
    latency_seconds: u64,
    /// That rate, in purchases a second
    #[arg(long, default_value_t = 500)]
    latency_rate: u64,
    /// Purchases that may be under way at once under full load
    #[arg(long, default_value_t = 4_000)]
    in_flight: u64,
}

/// After the last purchase was sent, the ledger must have all of them within this time.
const DRAIN: Duration = Duration::from_mins(1);
/// Purchases in one entry at the broker at most.
const ENTRY: u64 = 200;

/// Runs it on the local stack, prints the figures and writes them to `target/bench/pipeline.json` and `docs/benchmark.md`.
pub async fn pipeline(
    layout: &Layout,
    settings: &Settings,
    tokens: &impl Tokens,
    bench: Bench,
    progress: Progress,
) -> Result<()> {
    if !settings.uses_broker()? {
        bail!("the benchmark needs the broker: ./start.sh --mode hybrid");
    }
    let idle = Machine::read(layout)?;
    progress.note("campaign, partners, links and clicks for the benchmark");
    let people = people::prepare(settings, tokens).await?;
    let mut feed = Feed::open(settings, people).await?;
    let ledger = Ledger::open(settings).await?;

    progress.note("warming up");
    run_phase(
        layout,
        &mut feed,
        &ledger,
        Pace::Full(bench.in_flight),
        Duration::from_secs(10),
    )
    .await?;
    progress.note(&format!(
        "{} s at {}/s, for latency",
        bench.latency_seconds, bench.latency_rate
    ));
    let steady = run_phase(
        layout,
        &mut feed,
        &ledger,
        Pace::Rate(bench.latency_rate),
        Duration::from_secs(bench.latency_seconds),
    )
    .await?;
    progress.note(&format!("{} s of full load", bench.seconds));
    let full = run_phase(
        layout,
        &mut feed,
        &ledger,
        Pace::Full(bench.in_flight),
        Duration::from_secs(bench.seconds),
    )
    .await?;
    progress.note("resting, for memory after load");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let rested = Machine::read(layout)?;
    let report = Report {
        idle,
        steady,
        full,
        rested,
    };
    report.write(layout)?;
    report.check()
}

#[derive(Clone, Copy)]
enum Pace {
    /// As fast as the ledger follows, with so many under way.
    Full(u64),
    /// So many a second, whatever the ledger does.
    Rate(u64),
}

/// Feeds for a while, waits until the ledger has everything, and says what it took.
async fn run_phase(
    layout: &Layout,
    feed: &mut Feed,
    ledger: &Ledger,
    pace: Pace,
    lasting: Duration,
) -> Result<Phase> {
    let from = ledger.mark().await?;
    let before = Machine::read(layout)?;
    let wal_before = ledger.wal_bytes().await?;
    feed.begin_phase(match pace {
        Pace::Full(_) => None,
        Pace::Rate(rate) => Some(rate),
    });
    let started = Instant::now();
    loop {
        let (elapsed, sent) = (started.elapsed(), feed.sent());
        let due = match pace {
            Pace::Full(_) if elapsed >= lasting => 0,
            Pace::Full(in_flight) => {
                let done = ledger.count_since(&from).await?;
                in_flight.saturating_sub(sent.saturating_sub(done))
            }
            Pace::Rate(rate) => due(rate, elapsed, lasting, sent),
        };
        match due {
            0 if elapsed >= lasting => break,
            0 => tokio::time::sleep(Duration::from_millis(5)).await,
            due => feed.send(due.min(ENTRY)).await?,
        }
    }
    let full_seconds = started.elapsed();
    let done_at_end = ledger.count_since(&from).await?.min(feed.sent());
    let loaded = Machine::read(layout)?;
    let sent = feed.sent();
    let deadline = Instant::now() + DRAIN;
    while ledger.count_since(&from).await? < sent && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = Machine::read(layout)?;
    let wal_bytes = ledger.wal_bytes().await? - wal_before;
    let mut outcome = ledger.outcome_since(&from, feed.sent_at()).await?;
    // Postings of an earlier run that was broken off may have come in between.
    while outcome.lost > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(500)).await;
        outcome = ledger.outcome_since(&from, feed.sent_at()).await?;
    }
    Ok(Phase {
        seconds_ms: u64::try_from(full_seconds.as_millis()).context("a long phase")?,
        sent,
        done_in_time: done_at_end,
        outcome,
        cpu: after.cpu_since(&before),
        databases: after.databases_since(&before),
        memory: loaded.memory(),
        wal_bytes,
    })
}

/// What is not sent yet of what is due by now, at so many a second for so long: after a stall past the end all that was due before it.
fn due(rate: u64, elapsed: Duration, lasting: Duration, sent: u64) -> u64 {
    let millis = elapsed.min(lasting).as_millis();
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    (millis.saturating_mul(rate) / 1_000).saturating_sub(sent)
}

/// The services whose memory is bounded.
const SERVICES: [Service; Service::ALL.len()] = Service::ALL;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stall_kept_from_being_sent_is_sent_after_the_end_and_nothing_that_was_due_later() {
        let lasting = Duration::from_secs(30);
        let at = |seconds, sent| due(500, Duration::from_secs(seconds), lasting, sent);
        assert_eq!(at(25, 12_400), 100);
        assert_eq!(at(40, 12_500), 2_500);
        assert_eq!(at(40, 15_000), 0);
    }
}
