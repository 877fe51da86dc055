//! `cargo benchmark edge`: what visitors, shops and people are served, beside a bare program that does as little as can be done.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::progress::Progress;
use devstack::stack::{Process, Signal};
use invariants::{Records, settled};
use schemas::Service;
use serde_json::json;
use uuid::Uuid;

use super::clients::percentile;
use super::people::{People, shop_token, token_of};
use super::wire::{Endpoint, Served, ask};
use super::{Pace, bare, page, run_phase, stack};

/// How long, and of which build.
#[derive(Args, Clone, Debug)]
pub struct Edge {
    /// The folder of the release binaries; without it the clone's own
    #[arg(long)]
    built: Option<PathBuf>,
    /// Seconds of each figure
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that are open at once
    #[arg(long, default_value_t = 64)]
    connections: u64,
    /// Print the figures only, and leave docs/benchmark.md as it is
    #[arg(long)]
    look: bool,
}

/// What goes on afterwards is through within this time.
const QUIET_WITHIN: Duration = Duration::from_mins(5);
/// Visitors' redirects a second beside purchases.
const REDIRECTS: u64 = 2_000;
/// Those beside them.
const PURCHASES: Pace = Pace::Rate(500);

/// One kind of request, ours and the bare program's.
struct Kind {
    name: &'static str,
    ours: Endpoint,
    bare: Endpoint,
    /// Whether every service has something to do with it afterwards.
    goes_on: bool,
}

/// Measures and writes the section.
pub async fn run(layout: &Layout, edge: Edge, progress: Progress) -> Result<()> {
    let built = stack::built(layout, edge.built.as_deref())?;
    let (stack, people) = stack::start(&built, progress).await?;
    let bare = bare::start(&stack).await?;
    let kinds = kinds(&stack, &people, &bare)?;
    let lasting = Duration::from_secs(edge.seconds);
    let mut text = format!(
        "## Edges\n\n`cargo benchmark edge`: {} connections ask again as soon as they are answered, {} s; then half as often, for times. Beside each a bare axum \
         program of one thread with eight connections to the same Postgres, which checks the same token and runs one statement: it inserts a row, reads one, or reads the same page of the same \
         table. What is reported or written goes on through every service meanwhile, on the same cores; the bare program's row does not. \
         Alone: while the broker is stopped, so that it goes on afterwards.\n\n\
         | request | a second | p50 / p99 at half of it, ms | the bare program: a second | p50 / p99 at half of it, ms | ours, in % | alone: a second | in % |\n\
         |---|---|---|---|---|---|---|---|\n",
        edge.connections, edge.seconds
    );
    progress.note("purchases, for pages to show");
    let (mut feed, ledger) = stack::ends(&stack, people).await?;
    run_phase(stack.layout(), &mut feed, &ledger, PURCHASES, lasting).await?;
    // What goes on afterwards comes last: it would go on beside the others.
    let (going_on, ending): (Vec<&Kind>, Vec<&Kind>) = kinds.iter().partition(|it| it.goes_on);
    let mut rows = Vec::new();
    for kind in ending {
        rows.push(beside(&stack, &edge, kind, progress).await?);
    }
    progress.note("redirects beside purchases");
    let redirects = &kinds.first().context("redirects")?.ours;
    let (redirects, purchases) = tokio::join!(
        ask(redirects, edge.connections, Some(REDIRECTS), lasting),
        run_phase(stack.layout(), &mut feed, &ledger, PURCHASES, lasting)
    );
    let (redirects, purchases) = (redirects?, purchases?);
    for kind in going_on {
        rows.push(beside(&stack, &edge, kind, progress).await?);
    }
    for (kind, ours, bare) in rows {
        let share = |per_second| per_second * 100 / bare.0.per_second.max(1);
        write!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            kind.name,
            ours.0.per_second,
            times(&ours.1),
            bare.0.per_second,
            times(&bare.1),
            share(ours.0.per_second)
        )?;
        if kind.goes_on {
            progress.note(&format!("{}, alone", kind.name));
            let alone = alone(&stack, &kind.ours, &edge).await?.per_second;
            writeln!(text, " {alone} | {} |", share(alone))?;
        } else {
            writeln!(text, " | |")?;
        }
    }
    writeln!(
        text,
        "\n{} redirects a second beside {} purchases a second: p50 / p99 {} ms; the purchases {} / {} ms.",
        redirects.per_second,
        purchases.per_second(),
        times(&redirects),
        super::report::tenths(purchases.percentile(50)),
        super::report::tenths(purchases.percentile(99))
    )?;
    if edge.look {
        println!("{text}");
        return Ok(());
    }
    page::write(layout, &text)
}

/// While the broker is stopped: what is taken is committed, and waits.
async fn alone(stack: &LocalStack, endpoint: &Endpoint, edge: &Edge) -> Result<Served> {
    let broker = Process::attach(&stack.layout().pulsar_pid());
    let broker = broker.context("the broker's process")?;
    broker.signal(Signal::STOP);
    let served = ask(
        endpoint,
        edge.connections,
        None,
        Duration::from_secs(edge.seconds),
    )
    .await;
    broker.signal(Signal::CONT);
    served
}

/// Ours and the bare program's.
async fn beside<'a>(
    stack: &LocalStack,
    edge: &Edge,
    kind: &'a Kind,
    progress: Progress,
) -> Result<(&'a Kind, (Served, Served), (Served, Served))> {
    progress.note(kind.name);
    let ours = both(stack, edge, &kind.ours).await?;
    Ok((kind, ours, both(stack, edge, &kind.bare).await?))
}

/// At saturation, and at half of it, of a stack that is through with what others had it do.
async fn both(stack: &LocalStack, edge: &Edge, endpoint: &Endpoint) -> Result<(Served, Served)> {
    let records = Records::of_stack(stack)?;
    if let Err(moving) = settled(&records, QUIET_WITHIN).await {
        bail!("the stack is {moving}");
    }
    let lasting = Duration::from_secs(edge.seconds);
    let full = ask(endpoint, edge.connections, None, lasting).await?;
    let half = Some(full.per_second / 2);
    let half = ask(endpoint, edge.connections, half, lasting).await?;
    Ok((full, half))
}

fn times(served: &Served) -> String {
    let of = |percent| super::report::tenths(percentile(&served.latencies_us, percent));
    format!("{} / {}", of(50), of(99))
}

fn kinds(stack: &LocalStack, people: &People, bare: &str) -> Result<Vec<Kind>> {
    let at = |service| -> Result<String> {
        let url = stack.url(service)?;
        Ok(url.trim_start_matches("http://").to_owned())
    };
    let (bff, tracking) = (at(Service::Bff)?, at(Service::Tracking)?);
    let (shop, partner) = (shop_token(stack)?, token_of(stack, 0)?);
    let (buyers, campaign) = (people.buyers.clone(), people.campaign.clone());
    let click = move |number: u64| {
        let buyer = usize::try_from(number).unwrap_or(0) % buyers.len();
        format!("/c/bench0?user_id={}", buyers[buyer].user)
    };
    let purchase = move || {
        json!({
            "user_id": "bench-user-0", "event_type": "purchase", "amount": "10.00", "currency": "USD",
            "order_id": Uuid::now_v7().simple().to_string(), "campaign_id": campaign,
        })
        .to_string()
    };
    let report = |path: &'static str| {
        let (purchase, token) = (purchase.clone(), shop.clone());
        Box::new(move |_| post(path, &token, &purchase()))
    };
    let read = |path: &'static str| {
        let token = partner.clone();
        Box::new(move |_| get(path, Some(&token)))
    };
    let bare_read = || {
        let token = partner.clone();
        let path = format!("/reports/{}", Uuid::nil());
        Box::new(move |_| get(&path, Some(&token)))
    };
    let kind = |name, goes_on, ours, bare| Kind {
        name,
        ours,
        bare,
        goes_on,
    };
    let endpoint = |server: &str, request: Box<dyn Fn(u64) -> String>, status| Endpoint {
        server: server.to_owned(),
        request,
        status,
    };
    let bare_report = || endpoint(bare, report("/reports"), 201);
    Ok(vec![
        kind(
            "tracking: a visitor's redirect",
            false,
            endpoint(&tracking, Box::new(move |n| get(&click(n), None)), 302),
            endpoint(bare, Box::new(|n| get(&format!("/c/bench{n}"), None)), 302),
        ),
        kind(
            "bff: balances",
            false,
            endpoint(&bff, read("/api/v1/balances"), 200),
            endpoint(bare, bare_read(), 200),
        ),
        kind(
            "bff: a page of 20 conversions",
            false,
            endpoint(&bff, read("/api/v1/conversions?limit=20"), 200),
            endpoint(bare, read("/conversions"), 200),
        ),
        kind(
            "tracking: a report by HTTP",
            true,
            endpoint(&tracking, report("/api/v1/tracking/events"), 201),
            bare_report(),
        ),
        kind(
            "bff: a write, 202",
            true,
            endpoint(&bff, report("/api/v1/tracking/events"), 202),
            bare_report(),
        ),
    ])
}

fn get(path: &str, token: Option<&str>) -> String {
    let bearer = token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{bearer}\r\n")
}

fn post(path: &str, token: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
