//! `cargo benchmark starvation`: what others notice while one token has many requests begun whose bodies do not come.

use std::cell::Cell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures::future::join_all;
use schemas::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::clients::Met;
use super::others::{Others, ask_while};
use super::people::{self, token_of};
use super::{page, stack};
use devstack::layout::Layout;
use devstack::local::{LocalStack, UNLIMITED};
use devstack::progress::Progress;
use devstack::settings::Mode;

/// How many hold requests open, and who asks meanwhile.
#[derive(Args, Clone, Debug)]
pub struct Starvation {
    /// Requests that are begun and not gone on with, at the bff and at tracking each
    #[arg(long, default_value_t = 1_100, value_parser = clap::value_parser!(u16).range(1..=4_000))]
    slow: u16,
    /// Requests a second of each kind that others make
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Seconds without the attack, and with it
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The folder of the binaries to measure
    #[arg(long)]
    built: Option<PathBuf>,
}

/// Connections that are opened at once.
const AT_ONCE: usize = 64;

/// Measures on a stack of its own, prints the figures and writes them into `docs/benchmark.md`.
pub async fn run(layout: &Layout, attack: Starvation, progress: Progress) -> Result<()> {
    let built = stack::built(layout, attack.built.as_deref())?;
    progress.note("a stack of its own, with campaign, partners, links and clicks");
    let stack = LocalStack::start_built(Mode::Http, built, &UNLIMITED).await?;
    let people = people::prepare(stack.settings(), &stack).await?;
    let others = Others::new(&stack, people.campaign)?;
    progress.note("others ask, and nothing else happens");
    let quiet = ask(&others, &attack, 0).await?;
    let attacker = token_of(&stack, 1)?;
    let slow = [Service::Bff, Service::Tracking]
        .map(|service| Ok::<_, anyhow::Error>(stack.url(service)?.to_owned()));
    let slow: Vec<Slow> = slow
        .into_iter()
        .map(|url| Slow::new(&url?, &attacker))
        .collect::<Result<_>>()?;
    progress.note("one token begins requests and does not go on; others ask again");
    let stop = Rc::new(Cell::new(false));
    let attacking = join_all(slow.iter().map(|slow| slow.hold(attack.slow.into(), &stop)));
    let requests = async {
        while slow.iter().any(|slow| slow.open.get() < AT_ONCE) {
            sleep(Duration::from_millis(10)).await;
        }
        let busy = ask(&others, &attack, 1_000_000).await;
        stop.set(true);
        busy
    };
    let (_, busy) = tokio::join!(attacking, requests);
    let busy = busy?;
    page::write(layout, &section(&attack, &slow, &quiet, &busy)?)?;
    let refused: u64 = busy.iter().map(|(_, met)| met.refused + met.failed).sum();
    ensure!(
        refused == 0,
        "{refused} requests of others were not answered"
    );
    Ok(())
}

/// Requests that one token begins at a service.
struct Slow {
    address: SocketAddr,
    head: String,
    open: Cell<usize>,
    most: Cell<usize>,
    ended: Cell<usize>,
}

impl Slow {
    fn new(url: &str, token: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").context("an http address")?;
        let head = format!(
            "POST /api/v1/tracking/events HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: 60000\r\nauthorization: Bearer {token}\r\n\r\n{{"
        );
        let (open, most, ended) = Default::default();
        let address: SocketAddr = host.parse()?;
        ensure!(address.ip().is_loopback(), "{address} is another machine");
        Ok(Self {
            address,
            head,
            open,
            most,
            ended,
        })
    }

    async fn hold(&self, many: usize, stop: &Cell<bool>) {
        let opening = tokio::sync::Semaphore::new(AT_ONCE);
        let connections = (0..many).map(|_| async {
            while !stop.get() {
                let begun = {
                    let _turn = opening.acquire().await;
                    self.begin().await
                };
                let Ok(stream) = begun else {
                    sleep(Duration::from_millis(20)).await;
                    continue;
                };
                self.until_ended(stream, stop).await;
            }
        });
        join_all(connections).await;
    }

    async fn begin(&self) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(self.head.as_bytes()).await?;
        Ok(stream)
    }

    async fn until_ended(&self, mut stream: TcpStream, stop: &Cell<bool>) {
        self.open.set(self.open.get() + 1);
        self.most.set(self.most.get().max(self.open.get()));
        let mut buffer = [0; 1024];
        let closed = async { while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {} };
        let stopped = async {
            while !stop.get() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = closed => self.ended.set(self.ended.get() + 1),
            () = stopped => {}
        }
        self.open.set(self.open.get() - 1);
    }
}

async fn ask(others: &Others, attack: &Starvation, first: u64) -> Result<Vec<(&'static str, Met)>> {
    let clients = [others.writes(0, attack.rate), others.redirects(attack.rate)];
    ask_while(&clients, first, sleep(Duration::from_secs(attack.seconds))).await
}

fn section(
    attack: &Starvation,
    slow: &[Slow],
    quiet: &[(&str, Met)],
    busy: &[(&str, Met)],
) -> Result<String> {
    let tenths = |met: &Met, percent| {
        let tenths = met.percentile(percent);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let mut text = format!(
        "## Starvation\n\n`cargo benchmark starvation`: one token keeps {} requests at the bff and as many at tracking begun, each with \
         `Content-Length: 60000` and one byte, and begins another for each that is ended. Others ask {} times a second of each kind.\n\n\
         | request | p50 / p99 / longest without the attack, ms | with it, ms | answered | 503 or 429 | failed |\n|---|---|---|---|---|---|\n",
        attack.slow, attack.rate
    );
    for ((name, quiet), (_, busy)) in quiet.iter().zip(busy) {
        let of = |met: &Met| {
            [50, 99, 100]
                .map(|percent| tenths(met, percent))
                .join(" / ")
        };
        let (answered, refused) = (busy.latencies_us.len(), busy.refused);
        writeln!(
            text,
            "| {name} | {} | {} | {answered} | {refused} | {} |",
            of(quiet),
            of(busy),
            busy.failed
        )?;
    }
    let open: Vec<_> = slow
        .iter()
        .map(|slow| slow.most.get().to_string())
        .collect();
    let ended: Vec<_> = slow
        .iter()
        .map(|slow| slow.ended.get().to_string())
        .collect();
    writeln!(
        text,
        "\nOpen at most: {}; ended by the service: {}.",
        open.join(" and "),
        ended.join(" and ")
    )?;
    Ok(text)
}
