//! `cargo benchmark backlog`: people go on asking while a backlog of purchases that lay at the broker is worked off.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use reqwest::RequestBuilder;
use schemas::Service;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::clients::{Client, Met};
use super::ledger::{Ledger, Mark};
use super::machine::Machine;
use super::others::{Make, Others, ask_while, client};
use super::{SERVICES, page, stack};
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::progress::Progress;
use devstack::services::Program;

/// How large the backlog is, and who asks meanwhile.
#[derive(Args, Clone, Debug)]
pub struct Backlog {
    /// Purchases that lie at the broker when tracking starts
    #[arg(long, default_value_t = 100_000)]
    purchases: u64,
    /// Requests a second of each kind that people go on making
    #[arg(long, default_value_t = 5)]
    rate: u32,
    /// Seconds without a backlog, to compare with
    #[arg(long, default_value_t = 10)]
    quiet_seconds: u64,
    /// The folder of the release binaries
    #[arg(long)]
    built: Option<PathBuf>,
}

/// The backlog must be gone within this time.
const DRAIN: Duration = Duration::from_mins(5);

/// Measures on a stack of its own, prints the figures and writes them into `docs/benchmark.md`.
pub async fn run(layout: &Layout, backlog: Backlog, progress: Progress) -> Result<()> {
    let built = stack::built(layout, backlog.built.as_deref())?;
    let (stack, people) = stack::start(&built, progress).await?;
    let others = Others::new(&stack, people.campaign.clone())?;
    let clients = clients(&others, backlog.rate);
    let (mut feed, ledger) = stack::ends(&stack, people).await?;

    progress.note("people ask, and nothing else happens");
    let for_long = tokio::time::sleep(Duration::from_secs(backlog.quiet_seconds));
    let quiet = ask_while(&clients, 0, for_long).await?;

    progress.note(&format!(
        "tracking is stopped; {} purchases go to its topic",
        backlog.purchases
    ));
    let tracking = Program::Service(Service::Tracking);
    tracking.stop(stack.layout());
    let mark = ledger.mark().await?;
    while feed.sent() < backlog.purchases {
        feed.send((backlog.purchases - feed.sent()).min(1_000))
            .await?;
    }
    progress.note("tracking starts, and people ask again");
    let started = Instant::now();
    stack.start_again().await?;
    let (mut most, mut drained) = (BTreeMap::new(), None);
    let draining = async {
        if is_drained(&stack, &ledger, &mark, feed.sent_at(), &mut most).await {
            drained = Some(started.elapsed());
        }
    };
    let busy = ask_while(&clients, 1_000_000, draining).await?;
    let drained = drained.context("the backlog is not gone in time")?;
    let outcome = ledger.outcome_since(&mark, feed.sent_at()).await?;
    let section = section(&backlog, drained, &quiet, &busy, &most)?;
    page::write(layout, &section)?;
    anyhow::ensure!(
        outcome.lost + outcome.doubled == 0,
        "{} lost, {} doubled",
        outcome.lost,
        outcome.doubled
    );
    Ok(())
}

/// Waits until the ledger has them all; notes the most memory that each process had meanwhile.
async fn is_drained(
    stack: &LocalStack,
    ledger: &Ledger,
    mark: &Mark,
    sent: &HashMap<Uuid, i64>,
    most: &mut BTreeMap<String, u64>,
) -> bool {
    let end = Instant::now() + DRAIN;
    let many = u64::try_from(sent.len()).unwrap_or(u64::MAX);
    while Instant::now() < end {
        let memory = Machine::read(stack.layout()).map(|machine| machine.memory());
        for (name, kib) in memory.unwrap_or_default() {
            let known = most.entry(name).or_insert(0);
            *known = kib.max(*known);
        }
        // What people ask for is posted too: the count alone tells only when it is worth a look.
        let posted = ledger.count_since(mark).await.unwrap_or(0);
        if posted >= many {
            let outcome = ledger.outcome_since(mark, sent).await;
            if outcome.is_ok_and(|outcome| outcome.lost == 0) {
                return true;
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    false
}

/// Writes at the bff whose outcome is waited for.
fn waiting<'a>(
    name: &'static str,
    rate: u32,
    request: impl Fn(u64) -> RequestBuilder + 'a,
) -> Client<Make<'a>> {
    let make = move |number| request(number).header("prefer", "wait=30");
    Client {
        waits: true,
        ..client(name, rate, make)
    }
}

fn clients(others: &Others, rate: u32) -> Vec<Client<Make<'_>>> {
    let direct = |number| others.at_tracking().json(&others.purchase(number));
    let evidence = |number: u64| {
        let url = format!("https://example.com/{}/{number}.jpg", others.run);
        let body =
            json!({"campaign_id": others.campaign, "evidence_type": "photo", "file_url": url});
        others.at_bff("evidence/upload").json(&body)
    };
    let payout = |_| {
        let body = json!({"amount": "0.01", "currency": "USD", "payment_method": "paypal",
            "account_details": {"email": "bench@example.com"}});
        others.at_bff("payments/request").json(&body)
    };
    let behind = |number| {
        let purchase = others.purchase(number + 500_000);
        others.report_at_bff().json(&purchase)
    };
    vec![
        client("tracking: a report by HTTP, 201", rate, direct),
        others.redirects(rate),
        others.writes(250_000, rate),
        waiting("bff: evidence, with its outcome", rate, evidence),
        waiting("bff: a payout, with its outcome", rate, payout),
        waiting(
            "bff: a report, with its outcome, behind the backlog",
            rate,
            behind,
        ),
    ]
}

fn section(
    backlog: &Backlog,
    drained: Duration,
    quiet: &[(&str, Met)],
    busy: &[(&str, Met)],
    most: &BTreeMap<String, u64>,
) -> Result<String> {
    let tenths = |tenths: u64| format!("{}.{}", tenths / 10, tenths % 10);
    let mut text = format!(
        "## Overload\n\n`cargo benchmark backlog`: {} purchases lie at the broker when tracking starts; people go on asking, \
         {} requests a second of each kind. The backlog is in the ledger after {} s.\n\n",
        backlog.purchases,
        backlog.rate,
        tenths(u64::try_from(drained.as_millis() / 100)?)
    );
    writeln!(
        text,
        "| request | p50 / p99 without a backlog, ms | p50 / p99 / longest with it, ms | answered | 503 or 429 | still pending after 30 s | failed |\n|---|---|---|---|---|---|---|"
    )?;
    for ((name, quiet), (_, busy)) in quiet.iter().zip(busy) {
        let of = |met: &Met, percent| tenths(met.percentile(percent));
        writeln!(
            text,
            "| {name} | {} / {} | {} / {} / {} | {} | {} | {} | {} |",
            of(quiet, 50),
            of(quiet, 99),
            of(busy, 50),
            of(busy, 99),
            of(busy, 100),
            busy.latencies_us.len(),
            busy.refused,
            busy.still_pending,
            busy.failed
        )?;
    }
    let memory: Vec<String> = SERVICES
        .iter()
        .map(|service| {
            let kib = most.get(service.name()).copied().unwrap_or(0);
            format!("{} {} MiB", service.name(), kib / 1_024)
        })
        .collect();
    writeln!(
        text,
        "\nMost anonymous memory meanwhile: {}.",
        memory.join(", ")
    )?;
    Ok(text)
}
