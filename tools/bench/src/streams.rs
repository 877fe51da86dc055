//! `cargo benchmark streams`: what an open live feed costs, while nothing happens and while much does.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::local::{LocalStack, UNLIMITED};
use devstack::progress::Progress;
use devstack::services::Program;
use devstack::settings::Mode;
use futures::future::join_all;
use schemas::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use super::others::{Others, ask_while};
use super::{machine, page, people, stack};

/// How many listen, and what happens meanwhile.
#[derive(Args, Clone, Debug)]
pub struct Streams {
    /// Open streams at the bff
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    open: u16,
    /// Purchases a second while they listen
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Seconds of that
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// The folder of the binaries to measure
    #[arg(long)]
    built: Option<PathBuf>,
}

/// What a stream may cost of the bff's anonymous memory, in KiB.
const MAX_EACH: u64 = 64;
/// Connections that are opened at once.
const AT_ONCE: usize = 64;
/// What ends an event of an event stream.
const EVENT: &[u8] = b"\nevent:";
/// How long the memory is looked at while nothing happens.
const QUIET: Duration = Duration::from_secs(20);

/// Measures on a stack of its own, prints the figures and writes them into `docs/benchmark.md`.
pub async fn run(layout: &Layout, bench: Streams, progress: Progress) -> Result<()> {
    let built = stack::built(layout, bench.built.as_deref())?;
    progress.note("a stack of its own, with campaign, partners, links and clicks");
    // One machine, and one token, stands for all who listen.
    let mut variables = UNLIMITED.to_vec();
    variables.push(("HTTP_SUBJECT_SHARE_PERCENT", "100"));
    variables.push(("HTTP_ADDRESS_SHARE_PERCENT", "100"));
    let stack = LocalStack::start_built(Mode::Http, built, &variables).await?;
    let people = people::prepare(stack.settings(), &stack).await?;
    let others = Others::new(&stack, people.campaign)?;
    let before = memory(&stack)?;
    progress.note("streams are opened, and nothing happens");
    let listeners = Listeners::of(&stack)?;
    let listening = listeners.hold(bench.open.into());
    let measured = async {
        listeners.until_open(bench.open.into()).await?;
        let quiet = most_within(&stack, QUIET).await?;
        progress.note("purchases are reported, and each stream hears of what follows");
        let clients = [others.writes(0, bench.rate)];
        let (met, busy) = tokio::join!(
            ask_while(&clients, 0, sleep(Duration::from_secs(bench.seconds))),
            most_within(&stack, Duration::from_secs(bench.seconds))
        );
        let reported: usize = met?.iter().map(|(_, met)| met.latencies_us.len()).sum();
        listeners.until_heard().await;
        listeners.stop.send_replace(true);
        Ok::<_, anyhow::Error>((quiet, busy?, reported))
    };
    let ((), measured) = tokio::join!(listening, measured);
    let (quiet, busy, reported) = measured?;
    let heard = listeners.events();
    let (fewest, most) = (heard.iter().min(), heard.iter().max());
    let (fewest, most) = (fewest.copied().unwrap_or(0), most.copied().unwrap_or(0));
    let each = |kib: u64| kib.saturating_sub(before) / u64::from(bench.open);
    let section = format!(
        "## Streams\n\n`cargo benchmark streams`: {streams} clients listen at `GET /api/v1/events/stream`, as an operator who sees everything. \
         First nothing happens for {quiet_seconds} seconds, then {rate} purchases a second are reported for {seconds}.\n\n\
         | | anonymous memory of the bff | for each stream |\n|---|---|---|\n\
         | before | {before} KiB | |\n\
         | at most, while nothing happens | {quiet} KiB | {quiet_each} KiB |\n\
         | at most, while purchases are reported | {busy} KiB | {busy_each} KiB |\n\n\
         {reported} purchases were taken; each stream heard of {fewest} to {most} events. Streams that were cut: {cut}.\n",
        streams = bench.open,
        quiet_seconds = QUIET.as_secs(),
        rate = bench.rate,
        seconds = bench.seconds,
        quiet_each = each(quiet),
        busy_each = each(busy),
        cut = listeners.cut.get(),
    );
    page::write(layout, &section)?;
    ensure!(
        is_cheap(before, quiet.max(busy), bench.open.into()),
        "a stream costs more than {MAX_EACH} KiB"
    );
    ensure!(listeners.cut.get() == 0, "streams were cut");
    ensure!(
        fewest == most && most >= reported.max(1),
        "not every stream heard of everything"
    );
    Ok(())
}

/// Whether so many streams, for which the memory grew so far, cost no more than they may.
fn is_cheap(before: u64, most: u64, open: u64) -> bool {
    most.saturating_sub(before) <= open * MAX_EACH
}

/// Anonymous memory of the bff, in KiB.
fn memory(stack: &LocalStack) -> Result<u64> {
    machine::memory_of(stack.layout(), Program::Service(Service::Bff))
}

/// The most that there was of it.
async fn most_within(stack: &LocalStack, time: Duration) -> Result<u64> {
    let mut most = 0;
    let ended = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() < ended {
        most = most.max(memory(stack)?);
        sleep(Duration::from_millis(200)).await;
    }
    Ok(most)
}

/// Clients that listen.
struct Listeners {
    address: SocketAddr,
    head: String,
    open: Cell<usize>,
    cut: Cell<usize>,
    heard: RefCell<Vec<usize>>,
    stop: watch::Sender<bool>,
}

impl Listeners {
    fn of(stack: &LocalStack) -> Result<Self> {
        let host = stack.url(Service::Bff)?;
        let host = host.strip_prefix("http://").context("an http address")?;
        let address: SocketAddr = host.parse()?;
        ensure!(address.ip().is_loopback(), "{address} is another machine");
        let token = stack.token(&["--role", "operator"])?;
        Ok(Self {
            address,
            head: format!(
                "GET /api/v1/events/stream HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\nauthorization: Bearer {token}\r\n\r\n"
            ),
            open: Cell::default(),
            cut: Cell::default(),
            heard: RefCell::default(),
            stop: watch::Sender::new(false),
        })
    }

    async fn hold(&self, many: usize) {
        *self.heard.borrow_mut() = vec![0; many];
        let opening = Semaphore::new(AT_ONCE);
        let opening = &opening;
        let connections = (0..many).map(|number| async move {
            let begun = {
                let _turn = opening.acquire().await;
                self.begin().await
            };
            let Ok(stream) = begun else {
                self.cut.set(self.cut.get() + 1);
                return;
            };
            self.open.set(self.open.get() + 1);
            if self.listen(number, stream).await.is_err() || !*self.stop.borrow() {
                self.cut.set(self.cut.get() + 1);
            }
        });
        join_all(connections).await;
    }

    async fn begin(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(self.head.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        ensure!(
            &status == b"HTTP/1.1 200",
            "{}",
            String::from_utf8_lossy(&status)
        );
        Ok(stream)
    }

    /// Counts events until it is over.
    async fn listen(&self, number: usize, mut stream: TcpStream) -> Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        let mut kept = 0;
        let mut stop = self.stop.subscribe();
        loop {
            let reading = stream.read(buffer.get_mut(kept..).context("room")?);
            let read = tokio::select! {
                read = reading => read?,
                _ = stop.changed() => return Ok(()),
            };
            ensure!(read > 0, "the stream was cut");
            let there = kept + read;
            let seen = buffer.get(..there).context("what was read")?;
            let events = seen.windows(EVENT.len()).filter(|it| *it == EVENT).count();
            if let Some(heard) = self.heard.borrow_mut().get_mut(number) {
                *heard += events;
            }
            // What may be the beginning of the next.
            let rest = there.min(EVENT.len() - 1);
            buffer.copy_within(there - rest..there, 0);
            kept = rest;
        }
    }

    async fn until_open(&self, many: usize) -> Result<()> {
        while self.open.get() < many {
            ensure!(
                self.cut.get() == 0,
                "{} streams were refused",
                self.cut.get()
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until all have heard of as much, and nothing more comes for a second.
    async fn until_heard(&self) {
        let mut before = Vec::new();
        for _ in 0..60 {
            let now = self.events();
            if now == before {
                return;
            }
            before = now;
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn events(&self) -> Vec<usize> {
        self.heard.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_streams_are_too_dear_beyond_64_kib_each() {
        assert!(is_cheap(20_000, 20_000 + 64 * 1_000, 1_000));
        assert!(!is_cheap(20_000, 20_000 + 64 * 1_000 + 1, 1_000));
        assert!(is_cheap(20_000, 19_000, 1_000));
    }
}
