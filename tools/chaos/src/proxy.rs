//! The TCP proxy between the processes: knows named points, resets, delays and stalls connections.
//!
//! It runs in a thread of its own, so that nothing that the run does holds traffic up.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::link::{Link, Owner, ReplicaId, Target, Weather};
use super::point::{Deed, Moment, Point, Traps};
use super::tap::{Look, Tap};

/// Bytes in flight in one direction of a connection at most.
const CHUNK: usize = 65_536;
/// Between two small chunks of a link that trickles.
const DRIP: Duration = Duration::from_millis(5);

/// A server behind a link.
#[derive(Clone, Copy, Debug)]
pub struct Upstream {
    /// What it is reached as.
    pub target: Target,
    /// The process, when it is one of a service.
    pub replica: Option<ReplicaId>,
    /// Its own port.
    pub port: u16,
}

/// The proxy. Dropping it ends its thread and every connection.
#[derive(Debug)]
pub struct Proxy {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstreams: Vec<Upstream>,
    broker: u16,
    traps: Arc<Traps>,
}

impl Proxy {
    /// Listens on every link's port.
    pub fn start(links: &[Link], upstreams: Vec<Upstream>, traps: Arc<Traps>) -> Result<Self> {
        let broker = upstreams
            .iter()
            .find(|upstream| upstream.target == Target::Broker)
            .map_or(0, |upstream| upstream.port);
        let shared = Arc::new(Shared {
            upstreams,
            broker,
            traps,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let within = runtime.enter();
        for link in links {
            let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, link.port));
            let listener = bound.with_context(|| format!("the proxy's port {}", link.port))?;
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, link.clone(), Arc::clone(&shared)));
        }
        drop(within);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let _either_way = runtime.block_on(stopped);
            runtime.shutdown_background();
        });
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, link: Link, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((near, _)) => {
                tokio::spawn(serve(near, link.clone(), Arc::clone(&shared)));
            }
            Err(_) => sleep(Duration::from_millis(20)).await, // too many open files, for a moment
        }
    }
}

async fn serve(mut near: TcpStream, link: Link, shared: Arc<Shared>) {
    let weather = link.watch();
    let Some((mut far, upstream)) = connect(&link, &shared).await else {
        let _reset = near.set_zero_linger();
        return;
    };
    let _fast = (near.set_nodelay(true), far.set_nodelay(true));
    let victim = match (upstream.replica, link.owner) {
        (Some(replica), _) | (None, Owner::Replica(replica)) => Some(replica),
        (None, Owner::Clients) => None,
    };
    let (front, back) = Tap::both(link.target, shared.broker, link.port);
    let passage = |tap| Passage {
        tap,
        victim,
        weather: weather.clone(),
        traps: &shared.traps,
    };
    let (mut up, mut down) = (passage(front), passage(back));
    let generation = weather.borrow().generation;
    let mut cut = weather.clone();
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    let both = async {
        tokio::try_join!(
            up.carry(near_read, far_write),
            down.carry(far_read, near_write)
        )
    };
    let reset = tokio::select! {
        carried = both => carried.is_err(),
        _ = cut.wait_for(|now| now.generation != generation) => true,
    };
    if reset {
        // What was passed on to the far side arrives all the same.
        let _reset = near.set_zero_linger();
    }
}

/// To a replica that accepts, each connection to another one first.
async fn connect(link: &Link, shared: &Shared) -> Option<(TcpStream, Upstream)> {
    let all = shared.upstreams.iter();
    let behind: Vec<&Upstream> = all.filter(|one| one.target == link.target).collect();
    let first = usize::try_from(link.count()).unwrap_or_default();
    for step in 0..behind.len() {
        let upstream = behind[(first + step) % behind.len()];
        if let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream.port)).await {
            return Some((far, *upstream));
        }
    }
    None
}

/// One direction of a connection.
struct Passage<'a> {
    tap: Tap,
    victim: Option<ReplicaId>,
    weather: watch::Receiver<Weather>,
    traps: &'a Traps,
}

impl Passage<'_> {
    async fn carry(&mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(4_096);
        let mut rest = 0; // of the frame that is being passed on
        let mut then = None; // the point that it was
        loop {
            let most = CHUNK - bytes.len();
            let read = (&mut from).take(most as u64).read_buf(&mut bytes).await?;
            if read == 0 {
                to.write_all(&bytes).await?;
                return to.shutdown().await;
            }
            let mut done = 0; // bytes before here are sent
            let mut at = 0; // bytes before here belong to frames that are known
            while at < bytes.len() {
                if rest == 0 {
                    match self.tap.look(&mut bytes[at..]) {
                        Look::More => break,
                        Look::Frame(length, point) => {
                            rest = length.max(1);
                            then = point;
                            if let Some(point) = point
                                && self.meets(point, Moment::Before)
                            {
                                self.send(&mut to, &bytes[done..at]).await?;
                                return Err(io::ErrorKind::ConnectionReset.into());
                            }
                        }
                    }
                }
                let passed = rest.min(bytes.len() - at);
                (at, rest) = (at + passed, rest - passed);
                if rest == 0
                    && let Some(point) = then.take()
                {
                    self.send(&mut to, &bytes[done..at]).await?;
                    done = at;
                    if self.meets(point, Moment::After) {
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
            }
            self.send(&mut to, &bytes[done..at]).await?;
            bytes.drain(..at);
        }
    }

    /// True when the connection is to end here.
    fn meets(&self, point: Point, moment: Moment) -> bool {
        let deed = self
            .victim
            .and_then(|victim| self.traps.meet(victim, point, moment));
        matches!(deed, Some(Deed::Kill | Deed::Cut))
    }

    async fn send(&mut self, to: &mut WriteHalf<'_>, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let gone = |_| io::Error::from(io::ErrorKind::ConnectionReset);
            let weather = *self
                .weather
                .wait_for(|now| !now.stalled)
                .await
                .map_err(gone)?;
            if !weather.delay.is_zero() {
                sleep(weather.delay).await;
            }
            let mut chunk = bytes.len();
            if weather.trickle > 0 {
                sleep(DRIP).await;
                chunk = chunk.min(weather.trickle);
            }
            to.write_all(&bytes[..chunk]).await?;
            bytes = &bytes[chunk..];
        }
        Ok(())
    }
}
