//! `cargo benchmark outage`: the broker is killed while purchases go on, and comes back.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::Client as Http;
use schemas::Service;
use serde_json::json;
use tokio::runtime::Builder;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::ledger::Ledger;
use super::people::{Buyer, People, shop_token};
use super::{page, stack};
use devstack::demo::client::http_for;
use devstack::infra::broker_setup;
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::producers::now;
use devstack::progress::Progress;
use devstack::stack::Pulsar;

/// How long the broker is away, and what goes on meanwhile.
#[derive(Args, Clone, Debug)]
pub struct Outage {
    /// Purchases a second, at the bff
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// Seconds before the broker is killed
    #[arg(long, default_value_t = 30)]
    before: u64,
    /// Seconds that it is away
    #[arg(long, default_value_t = 60)]
    away: u64,
    /// The folder of the release binaries
    #[arg(long)]
    built: Option<PathBuf>,
}

/// After the broker's return the ledger must have everything within this time.
const CAUGHT_UP: Duration = Duration::from_secs(30);
/// It is waited for longer, to say how long it took.
const PATIENCE: Duration = Duration::from_mins(3);

/// Measures on a stack of its own, prints the figures and writes them into `docs/benchmark.md`.
pub async fn run(layout: &Layout, outage: Outage, progress: Progress) -> Result<()> {
    let built = stack::built(layout, outage.built.as_deref())?;
    let (stack, people) = stack::start(&built, progress).await?;
    let ledger = Ledger::open(stack.settings()).await?;
    let mark = ledger.mark().await?;
    let buyers = Buyers::new(&stack, people)?;
    let stop = Cell::new(false);
    let script = async {
        progress.note(&format!("{} purchases a second at the bff", outage.rate));
        tokio::time::sleep(Duration::from_secs(outage.before)).await;
        progress.note("the broker is killed");
        let killed = Instant::now();
        change_broker(&stack, false).await?;
        tokio::time::sleep(Duration::from_secs(outage.away)).await;
        progress.note("the broker starts");
        change_broker(&stack, true).await?;
        let returned = (Instant::now(), now()?.0);
        let accepted = buyers.sent.borrow().clone();
        progress.note(&format!(
            "it is back after {:?}; {} were accepted by now",
            killed.elapsed(),
            accepted.len()
        ));
        let mut caught_up = None;
        while caught_up.is_none() && returned.0.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if ledger.count_since(&mark).await? >= u64::try_from(accepted.len())? {
                let outcome = ledger.outcome_since(&mark, &accepted).await?;
                caught_up = (outcome.lost == 0).then_some(outcome.last_commit_us - returned.1);
            }
        }
        stop.set(true);
        anyhow::Ok((caught_up, accepted.len()))
    };
    let (bought, scripted) = tokio::join!(buyers.buy(outage.rate, &stop), script);
    let ((), (caught_up, in_time)) = (bought?, scripted?);
    let sent = buyers.sent.take();
    let end = Instant::now() + PATIENCE;
    let mut outcome = ledger.outcome_since(&mark, &sent).await?;
    while outcome.lost > 0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(500)).await;
        outcome = ledger.outcome_since(&mark, &sent).await?;
    }
    let caught_up = caught_up.map(|us| Duration::from_micros(u64::try_from(us).unwrap_or(0)));
    let mut text = format!(
        "## Outage\n\n`cargo benchmark outage`: {} purchases a second at the bff; the broker is killed after {} s and starts again {} s \
         later, while they go on.\n\n| figure | |\n|---|---|\n",
        outage.rate, outage.before, outage.away
    );
    let took = caught_up.map_or_else(
        || format!("more than {PATIENCE:?}"),
        |took| format!("{:.1} s", took.as_secs_f32()),
    );
    writeln!(text, "| accepted until the broker was back | {in_time} |")?;
    writeln!(
        text,
        "| until all of these were in the ledger, from the broker's being ready | {took} |"
    )?;
    writeln!(
        text,
        "| accepted in all / not accepted | {} / {} |",
        sent.len(),
        buyers.refused.get()
    )?;
    writeln!(
        text,
        "| lost / doubled | {} / {} |",
        outcome.lost, outcome.doubled
    )?;
    page::write(layout, &text)?;
    if outcome.lost + outcome.doubled > 0 || caught_up.is_none_or(|took| took > CAUGHT_UP) {
        bail!("the outage is not drained within {CAUGHT_UP:?}, or something is lost or doubled");
    }
    Ok(())
}

/// Kills the broker, or starts it and waits until it is ready. In a thread of its own, since starting blocks.
async fn change_broker(stack: &LocalStack, up: bool) -> Result<()> {
    let ports = stack
        .settings()
        .own_broker_ports()?
        .context("a broker of our own")?;
    let folder = stack.layout().state.join("pulsar");
    // Set up otherwise it would be another one, and the running one stopped for it.
    let setup = broker_setup(stack.layout(), stack.settings())?;
    tokio::task::spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut broker = runtime.block_on(Pulsar::start_with(&folder, ports, setup))?;
        if up {
            broker.detach();
        } else {
            broker.kill();
        }
        anyhow::Ok(())
    })
    .await?
}

/// Partners who report what their visitors buy.
struct Buyers {
    http: Http,
    url: String,
    people: People,
    /// The shop's.
    token: String,
    run: String,
    /// What was accepted: when it was sent, by correlation id.
    sent: RefCell<HashMap<Uuid, i64>>,
    refused: Cell<u64>,
}

impl Buyers {
    fn new(stack: &LocalStack, people: People) -> Result<Self> {
        Ok(Self {
            http: http_for(Duration::from_secs(20))?,
            url: format!("{}/api/v1/tracking/events", stack.url(Service::Bff)?),
            people,
            token: shop_token(stack)?,
            run: Uuid::now_v7().simple().to_string(),
            sent: RefCell::default(),
            refused: Cell::new(0),
        })
    }

    async fn buy(&self, rate: u32, stop: &Cell<bool>) -> Result<()> {
        let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut under_way = FuturesUnordered::new();
        let mut number = 0;
        while !stop.get() || !under_way.is_empty() {
            tokio::select! {
                Some(()) = under_way.next() => {}
                _ = ticks.tick() => if !stop.get() {
                    under_way.push(self.one(number));
                    number += 1;
                }
            }
        }
        Ok(())
    }

    async fn one(&self, number: u64) {
        let (id, at) = (Uuid::now_v7(), now().map_or(0, |now| now.0));
        let Buyer { user, campaign, .. } = self.people.buyer(number);
        let body = json!({
            "user_id": user, "event_type": "purchase", "amount": "10.00",
            "currency": "USD", "order_id": format!("{}_{number}", self.run), "campaign_id": campaign,
        });
        let request = self.http.post(&self.url).bearer_auth(&self.token);
        let request = request
            .header("x-correlation-id", id.to_string())
            .json(&body);
        match request.send().await {
            Ok(answer) if answer.status() == 202 => {
                self.sent.borrow_mut().insert(id, at);
            }
            _ => self.refused.set(self.refused.get() + 1),
        }
    }
}
