//! `cargo benchmark webhooks`: how soon customers' systems are sent what happens, while all of them take it and while some hang.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use chrono::DateTime;
use clap::Args;
use devstack::demo::client::Client as Asker;
use devstack::layout::Layout;
use devstack::local::{LocalStack, UNLIMITED};
use devstack::progress::Progress;
use devstack::settings::Mode;
use futures::{StreamExt, TryStreamExt};
use schemas::Service;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use types::clock;

use super::clients::percentile;
use super::others::{Others, ask_while, client};
use super::people::{self, token_of};
use super::{page, stack};

/// How many endpoints, how many of them hang, and what happens meanwhile.
#[derive(Args, Clone, Debug)]
pub struct Webhooks {
    /// Endpoints of each of 50 partners
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=20))]
    each: u16,
    /// Of these so many hang
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=19))]
    hanging: u16,
    /// Purchases a second, each of which is sent to the endpoints of one partner
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Seconds of that, first without hanging endpoints and then with them
    #[arg(long, default_value_t = 40)]
    seconds: u64,
    /// The folder of the binaries to measure
    #[arg(long)]
    built: Option<PathBuf>,
}

const PARTNERS: u16 = 50;
const USERS: u64 = 2_000;
/// Endpoints that are made at once.
const AT_ONCE: usize = 8;
/// So long what was stated last is waited for.
const DRAIN: Duration = Duration::from_mins(1);
/// Those that hang may take so much more of the time of the others, at the 99th percentile.
const MAX_LATER: Duration = Duration::from_secs(1);

/// Measures on a stack of its own, prints the figures and writes them into `docs/benchmark.md`.
pub async fn run(layout: &Layout, bench: Webhooks, progress: Progress) -> Result<()> {
    ensure!(bench.hanging < bench.each, "some must be healthy");
    let built = stack::built(layout, bench.built.as_deref())?;
    progress.note("a stack of its own, with campaign, partners, links and clicks");
    let mut variables = UNLIMITED.to_vec();
    variables.push(("WEBHOOK_LOCAL_RECEIVERS", "true"));
    let stack = LocalStack::start_built(Mode::Http, built, &variables).await?;
    let people = people::prepare(stack.settings(), &stack).await?;
    let others = Others::new(&stack, people.campaign)?;
    let receivers = Receivers::start(bench.clone()).await?;
    progress.note("endpoints are made");
    subscribe(&stack, &receivers, &bench).await?;
    progress.note("warming up");
    let warm = measure(&others, &receivers, &bench, 2_000_000).await?;
    progress.note("purchases are reported, and all receivers take what they are sent");
    let without = measure(&others, &receivers, &bench, 0).await?;
    progress.note("the same, and some of the receivers hang");
    receivers.hang.store(true, Ordering::SeqCst);
    let with = measure(&others, &receivers, &bench, 1_000_000).await?;
    page::write(layout, &section(&bench, &without, &with))?;
    for measured in [&warm, &without, &with] {
        let missing = measured
            .expected
            .saturating_sub(measured.latencies_us.len());
        ensure!(missing == 0, "{missing} events did not arrive in time");
    }
    ensure!(with.hung > 0, "nothing was sent to the receivers that hang");
    ensure!(
        is_undelayed(&without.latencies_us, &with.latencies_us),
        "receivers that hang delay the others"
    );
    Ok(())
}

/// Whether those that hang delay the others no more than they may.
fn is_undelayed(without: &[u64], with: &[u64]) -> bool {
    let later = percentile(with, 99).saturating_sub(percentile(without, 99));
    Duration::from_micros(later * 100) <= MAX_LATER
}

/// What arrived at healthy receivers.
struct Measured {
    /// From the event to its arrival, in microseconds, ascending.
    latencies_us: Vec<u64>,
    expected: usize,
    /// What was sent meanwhile to receivers that hang.
    hung: usize,
    /// From the first arrival to the last.
    lasted: Duration,
}

impl Measured {
    fn rate(&self) -> u128 {
        let millis = self.lasted.as_millis().max(1);
        u128::try_from(self.latencies_us.len()).unwrap_or_default() * 1_000 / millis
    }
}

async fn measure(
    others: &Others,
    receivers: &Receivers,
    bench: &Webhooks,
    first: u64,
) -> Result<Measured> {
    receivers.clear();
    let make = |number: u64| {
        let mut purchase = others.purchase(number);
        // Users have clicked the links of partners in turn.
        purchase["user_id"] = json!(format!("bench-user-{}", number % USERS));
        others.report_at_bff().json(&purchase)
    };
    let clients = [client("bff: a write, 202", bench.rate, make)];
    let lasting = sleep(Duration::from_secs(bench.seconds));
    let met = ask_while(&clients, first, lasting).await?;
    let taken: usize = met.iter().map(|(_, met)| met.latencies_us.len()).sum();
    let failed: u64 = met.iter().map(|(_, met)| met.refused + met.failed).sum();
    ensure!(failed == 0, "{failed} purchases were not taken");
    let healthy = usize::from(bench.each - bench.hanging);
    let expected = taken * healthy;
    let deadline = Instant::now() + DRAIN;
    while receivers.arrived() < expected && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
    }
    Ok(receivers.measured(expected))
}

/// Has each partner sent its conversions at so many addresses.
async fn subscribe(stack: &LocalStack, receivers: &Receivers, bench: &Webhooks) -> Result<()> {
    let bff = stack.url(Service::Bff)?;
    let each = bench.each;
    let all = (0..PARTNERS).flat_map(|partner| (0..each).map(move |number| (partner, number)));
    futures::stream::iter(all)
        .map(|(partner, number)| async move {
            let asker = Asker::new(bff, token_of(stack, partner.into())?)?;
            let url = format!("{}/{partner}/{number}", receivers.url);
            let body = json!({"url": url, "kinds": ["conversion.attributed.v1"]});
            asker
                .write(&format!("hook-{number}"), "webhooks", &body)
                .await
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(())
}

/// Customers' systems, on this machine.
struct Receivers {
    url: String,
    hang: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    _server: JoinSet<std::io::Result<()>>,
}

#[derive(Default)]
struct Seen {
    /// When each delivery came first, and how long after its event, in microseconds.
    arrived: HashMap<(String, u16), (Instant, u64)>,
    hung: usize,
}

#[derive(Clone)]
struct Shared {
    bench: Webhooks,
    hang: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

impl Receivers {
    async fn start(bench: Webhooks) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (hang, seen) = (Arc::default(), Arc::default());
        let shared = Shared {
            bench,
            hang: Arc::clone(&hang),
            seen: Arc::clone(&seen),
        };
        let routes = Router::new().route("/{partner}/{number}", post(receive));
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, routes.with_state(shared)).into_future());
        Ok(Self {
            url,
            hang,
            seen,
            _server: server,
        })
    }

    fn clear(&self) {
        *locked(&self.seen) = Seen::default();
    }

    fn arrived(&self) -> usize {
        locked(&self.seen).arrived.len()
    }

    fn measured(&self, expected: usize) -> Measured {
        let seen = locked(&self.seen);
        let times = || seen.arrived.values().map(|(at, _)| *at);
        let lasted = times().max().zip(times().min());
        let mut latencies_us: Vec<u64> = seen.arrived.values().map(|(_, it)| *it).collect();
        latencies_us.sort_unstable();
        Measured {
            latencies_us,
            expected,
            hung: seen.hung,
            lasted: lasted.map_or(Duration::ZERO, |(last, first)| last - first),
        }
    }
}

fn locked(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes an event, or says nothing for as long as the sender waits.
async fn receive(
    State(shared): State<Shared>,
    Path((_, number)): Path<(u16, u16)>,
    body: String,
) -> StatusCode {
    if number < shared.bench.hanging {
        if !shared.hang.load(Ordering::SeqCst) {
            return StatusCode::NO_CONTENT;
        }
        locked(&shared.seen).hung += 1;
        std::future::pending::<()>().await;
    }
    let Some((subject, after)) = read(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let arrived = (Instant::now(), after);
    locked(&shared.seen)
        .arrived
        .entry((subject, number))
        .or_insert(arrived);
    StatusCode::NO_CONTENT
}

/// What an event is about, and how long ago it happened, in microseconds.
fn read(body: &str) -> Option<(String, u64)> {
    let event: Value = serde_json::from_str(body).ok()?;
    let at = DateTime::parse_from_rfc3339(event["timestamp"].as_str()?).ok()?;
    let after = clock::real().get().saturating_sub(at.timestamp_micros());
    Some((
        event["subject"].as_str()?.to_owned(),
        u64::try_from(after).ok()?,
    ))
}

fn section(bench: &Webhooks, without: &Measured, with: &Measured) -> String {
    let endpoints = u32::from(PARTNERS) * u32::from(bench.each);
    let hanging = u32::from(PARTNERS) * u32::from(bench.hanging);
    let row = |name: &str, of: &Measured| {
        let [median, p99] = [50, 99].map(|percent| percentile(&of.latencies_us, percent));
        format!(
            "| {name} | {} | {} | {}.{} ms | {}.{} ms | {} |\n",
            of.latencies_us.len(),
            of.rate(),
            median / 10,
            median % 10,
            p99 / 10,
            p99 % 10,
            of.hung,
        )
    };
    format!(
        "## Webhooks\n\n`cargo benchmark webhooks`: {endpoints} endpoints of {PARTNERS} partners, {each} each, are sent their conversions, \
         first while all of them take what they are sent and then while {hanging} never answer. {rate} purchases a second are reported for \
         {seconds} seconds, each of which goes to the endpoints of one partner. Counted are the {healthy} that stay healthy.\n\n\
         | | arrived | a second | from event to arrival, p50 | p99 | sent to those that hang |\n|---|---|---|---|---|---|\n{}{}\n\
         Those that hang may delay the others by {later} ms at the 99th percentile.\n",
        row("all answer", without),
        row(&format!("{hanging} hang"), with),
        each = bench.each,
        rate = bench.rate,
        seconds = bench.seconds,
        healthy = endpoints - hanging,
        later = MAX_LATER.as_millis(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_that_hang_may_make_others_wait_a_second_longer_and_no_more() {
        let without = vec![50_000; 100];
        assert!(is_undelayed(&without, &vec![1_050_000; 100]));
        assert!(!is_undelayed(&without, &vec![1_050_100; 100]));
        assert!(is_undelayed(&without, &[]));
    }
}
