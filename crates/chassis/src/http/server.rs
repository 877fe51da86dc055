//! Accepts connections, serves them and stops without cutting anyone off.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONNECTION, TRANSFER_ENCODING};
use axum::http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::{Cut, Peer};
use super::linger::{self, Lingering};
use super::shares::{Holder, Percent, Place, Shares};
use crate::config::Env;

/// A request's head, its URI included: when so much has come without its end, hyper answers 431. What comes in one read
/// may be as much again.
const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 64;
/// Left to itself the kernel takes up to 4 MiB of an answer; Linux doubles this, for its own needs.
const SEND_BUFFER_BYTES: usize = 128 * 1024;
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
/// As a rule proxies keep a connection that they do not use for 60 s: whoever closes it before answers what they send on it meanwhile by nothing.
const PROXY_TIMEOUT: Duration = Duration::from_secs(75);
/// Pause after a failed accept, such as when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a service listens and how many it lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Open connections at most; others wait in the kernel's queue.
    pub max_connections: usize,
    /// How much of them one address may hold; what it opens beyond is closed.
    pub share_percent: Percent,
    /// Proxies that many come through: their addresses have no share.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a stop waits for requests being answered.
    pub drain_timeout: Duration,
    /// Time for a client to send a whole head, also its first and between two requests, and to take in what was
    /// answered; a connection that is slower is closed.
    pub client_timeout: Duration,
    /// The same for a proxy to send a head; it must be longer than proxies keep what they do not use.
    pub proxy_timeout: Duration,
}

impl ServerConfig {
    /// The usual limits at this address.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            max_connections: 4096,
            share_percent: Percent::default(),
            trusted_proxies: Vec::new(),
            drain_timeout: Duration::from_secs(20),
            client_timeout: CLIENT_TIMEOUT,
            proxy_timeout: PROXY_TIMEOUT,
        }
    }

    /// Reads `<PREFIX>_LISTEN_ADDRESS`, `HTTP_MAX_CONNECTIONS`, the shares, `HTTP_TRUSTED_PROXIES` and
    /// `HTTP_DRAIN_TIMEOUT_MS`.
    pub fn read(env: &mut Env, prefix: &str, default: SocketAddr) -> Self {
        let drain_ms: u32 = env.or("HTTP_DRAIN_TIMEOUT_MS", 20_000);
        Self {
            address: env.or(&format!("{prefix}_LISTEN_ADDRESS"), default),
            max_connections: env.within("HTTP_MAX_CONNECTIONS", 4096, 1..=Semaphore::MAX_PERMITS),
            share_percent: Percent::read(env),
            trusted_proxies: read_proxies(env),
            drain_timeout: Duration::from_millis(u64::from(drain_ms)),
            client_timeout: CLIENT_TIMEOUT,
            proxy_timeout: PROXY_TIMEOUT,
        }
    }
}

pub(super) fn read_proxies(env: &mut Env) -> Vec<IpNet> {
    let text: String = env.or("HTTP_TRUSTED_PROXIES", String::new());
    let nets = text.split(',').map(str::trim).filter(|net| !net.is_empty());
    let net = |text: &str| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| text.parse())
    };
    let nets: Result<Vec<IpNet>, _> = nets.map(net).collect();
    nets.unwrap_or_else(|_| {
        let what = "must be addresses or networks, separated by commas";
        env.report("HTTP_TRUSTED_PROXIES", what, "10.0.0.0/8,fd00::/8");
        Vec::new()
    })
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    config: ServerConfig,
}

impl Server {
    /// Binds, so that a port in use shows before anything else starts.
    pub async fn bind(config: ServerConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.address).await.map_err(|error| {
            let what = format!("cannot listen on {}: {error}", config.address);
            io::Error::new(error.kind(), what)
        })?;
        Ok(Self { listener, config })
    }

    /// Where it listens, its port known.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is cancelled, then lets the requests being answered end.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.config.max_connections));
        let shares = Shares::new(self.config.max_connections, self.config.share_percent);
        let connections = TaskTracker::new();
        while let Some((stream, address, slot)) = self.accept(&slots, &stop).await {
            let peer = self.peer(address);
            let holders = peer.0.into_iter().collect();
            let Some(place) = shares.take(holders) else {
                metrics::counter!("http_connections_refused_total").increment(1);
                continue;
            };
            let _ = stream.set_nodelay(true);
            bound_writing(&stream, self.config.client_timeout);
            let is_proxy = peer.0.is_none();
            let head_timeout = if is_proxy {
                self.config.proxy_timeout
            } else {
                self.config.client_timeout
            };
            connections.spawn(connection(
                stream,
                (peer, router.clone()),
                stop.clone(),
                (slot, place),
                head_timeout,
            ));
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(self.config.drain_timeout, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                open = connections.len(),
                "stopped with requests still unanswered"
            );
        }
    }

    fn peer(&self, address: SocketAddr) -> Peer {
        let address = address.ip().to_canonical();
        let proxies = &self.config.trusted_proxies;
        let is_proxy = proxies.iter().any(|net| net.contains(&address));
        Peer((!is_proxy).then(|| Holder::at(address)))
    }

    /// The next connection, or `None` once stopped.
    async fn accept(
        &self,
        slots: &Arc<Semaphore>,
        stop: &CancellationToken,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        loop {
            let next = async {
                let slot = Arc::clone(slots)
                    .acquire_owned()
                    .await
                    .map_err(io::Error::other)?;
                let (stream, address) = self.listener.accept().await?;
                Ok::<_, io::Error>((stream, address, slot))
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => return None,
                accepted = next => accepted,
            };
            match accepted {
                Ok(accepted) => return Some(accepted),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// A client that does not read what it asked for holds its connection no longer than this, and of an answer no more than
/// [`SEND_BUFFER_BYTES`] in the kernel, whose memory is the container's too.
fn bound_writing(stream: &TcpStream, timeout: Duration) {
    let socket = socket2::SockRef::from(stream);
    if let Err(error) = socket.set_send_buffer_size(SEND_BUFFER_BYTES) {
        tracing::debug!(%error, "a connection has no bound of what is written ahead");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket.set_tcp_user_timeout(Some(timeout)) {
        tracing::debug!(%error, "a connection has no time limit for writing");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = timeout;
}

async fn connection(
    stream: TcpStream,
    (peer, router): (Peer, Router),
    stop: CancellationToken,
    _held: (OwnedSemaphorePermit, Place),
    head_timeout: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let router = TowerToHyperService::new(router);
    let cut = Cut(CancellationToken::new());
    let of_request = cut.clone();
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(of_request.clone());
        let may_be_left = linger::may_be_left(request.headers());
        // It may have had a length, too, by which a proxy sees another end: hyper takes that away.
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let answered = router.call(Lingering::of(request));
        async move {
            let mut answer = answered.await?;
            if is_chunked || (may_be_left && !answer.status().is_success()) {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let serving = http.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(serving);
    let to_its_end = async {
        tokio::select! {
            served = serving.as_mut() => return served,
            () = stop.cancelled() => {}
        }
        serving.as_mut().graceful_shutdown();
        serving.await
    };
    let served = tokio::select! {
        served = to_its_end => served,
        () = cut.0.cancelled() => Ok(()),
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
