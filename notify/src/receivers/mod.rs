//! The one place from where anything is sent to an address that a stranger chose.
//!
//! Names are resolved here, and connections go to the very addresses that were looked at: another answer a moment later changes
//! nothing. No redirect is followed, and no proxy of the environment is asked.

mod addresses;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Url};
use tokio::sync::Semaphore;
use types::clock;

use addresses::is_public;

/// A connection takes this long at most.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Names that are looked up at once: what is given up goes on in its thread until the resolver answers, and the process
/// needs its blocking threads for other work too.
const MAX_LOOKUPS: usize = 64;
/// Of an answer no more is read, in bytes.
const MAX_READ: usize = 64 * 1024;
/// Of an answer so much is kept, in bytes.
const MAX_KEPT: usize = 1_024;

/// Looks a name up.
pub(crate) type Lookup = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>
        + Send
        + Sync,
>;

/// What is sent.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) url: &'a str,
    /// What it says, and that it is from us; `None`: its address says it all, and it is asked for.
    pub(crate) event: Option<Signed<'a>>,
}

/// An event, signed.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) id: &'a str,
    /// Seconds since 1970, by real time: receivers compare it with their own.
    pub(crate) timestamp: i64,
    pub(crate) signatures: String,
    pub(crate) body: String,
}

/// What a receiver said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// The beginning of its answer, as text.
    pub(crate) answer: String,
    /// After how many seconds it wants to be tried again.
    pub(crate) retry_after: Option<u32>,
}

/// Sends to strangers.
#[derive(Clone)]
pub(crate) struct Receivers {
    client: Client,
    local: bool,
}

impl Receivers {
    /// `local`: receivers on this machine are sent to as well, and without TLS.
    pub(crate) fn new(timeout: Duration, local: bool) -> Result<Self, reqwest::Error> {
        Self::with(timeout, local, bounded(addresses_of))
    }

    pub(crate) fn with(
        timeout: Duration,
        local: bool,
        lookup: Lookup,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Guarded { lookup, local }))
            .pool_idle_timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { client, local })
    }

    /// Sends, and says what came back, or in words for the owner why nothing did.
    pub(crate) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Answered, String> {
        let url = Url::parse(outgoing.url).map_err(|_| "the address is no URL".to_owned())?;
        self.check(&url)?;
        let request = match outgoing.event {
            None => self.client.get(url),
            Some(event) => self
                .client
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .header("webhook-id", event.id)
                .header("webhook-timestamp", event.timestamp)
                .header("webhook-signature", event.signatures)
                .body(event.body),
        };
        let request = request.header(USER_AGENT, concat!("Tributary/", env!("CARGO_PKG_VERSION")));
        let mut response = request.send().await.map_err(|error| why(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| after(value.to_str().ok()?, now()));
        let mut read = Vec::new();
        // What it answered counts, however its explanation ends.
        while let Ok(Some(part)) = response.chunk().await {
            read.extend_from_slice(&part);
            if read.len() > MAX_READ {
                break;
            }
        }
        read.truncate(MAX_KEPT);
        let answer = String::from_utf8_lossy(&read);
        let is_shown =
            |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
        Ok(Answered {
            status,
            answer: answer.chars().filter(is_shown).collect(),
            retry_after,
        })
    }

    /// Addresses that are written out pass no resolver.
    fn check(&self, url: &Url) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>().ok();
        if address.is_some_and(|address| !may_be_reached(address, self.local)) {
            return Err(Refused.to_string());
        }
        let is_here = host == "localhost" || address.is_some_and(|it| it.is_loopback());
        if url.scheme() == "https" || self.local && is_here {
            return Ok(());
        }
        Err("nothing is sent without TLS".to_owned())
    }
}

fn may_be_reached(address: IpAddr, local: bool) -> bool {
    is_public(address) || local && address.is_loopback()
}

/// Looks names up by what blocks, so many at once. The permit is held until the thread is free, whether anyone still waits
/// or not; who gets none in time has timed out.
fn bounded<F>(addresses_of: F) -> Lookup
where
    F: Fn(&str) -> std::io::Result<Vec<IpAddr>> + Copy + Send + Sync + 'static,
{
    let lookups = Arc::new(Semaphore::new(MAX_LOOKUPS));
    Arc::new(move |name| {
        let lookups = Arc::clone(&lookups);
        Box::pin(async move {
            let permit = lookups.acquire_owned().await;
            let permit = permit.map_err(std::io::Error::other)?;
            let found = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                addresses_of(&name)
            });
            found.await?
        })
    })
}

fn addresses_of(name: &str) -> std::io::Result<Vec<IpAddr>> {
    let found = (name, 0).to_socket_addrs()?;
    Ok(found.map(|address| address.ip()).collect())
}

/// The addresses of a name, if all of them may be reached.
struct Guarded {
    lookup: Lookup,
    local: bool,
}

/// A name has an address that nothing is sent to.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its address is not in the public internet")
    }
}

impl std::error::Error for Refused {}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, local) = ((self.lookup)(name.as_str().to_owned()), self.local);
        Box::pin(async move {
            let found = found.await?;
            if found.is_empty() || !found.iter().all(|address| may_be_reached(*address, local)) {
                return Err(Refused.into());
            }
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            let addresses: Addrs = Box::new(addresses);
            Ok(addresses)
        })
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(clock::real().get()).unwrap_or_default())
}

/// After how many seconds a receiver wants to be tried again: it says so as a number, or as a moment (RFC 9110, 10.2.3).
fn after(value: &str, now: SystemTime) -> Option<u32> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let wait = httpdate::parse_http_date(value).ok()?.duration_since(now);
    let micros = wait.unwrap_or_default().as_micros();
    u32::try_from(micros.div_ceil(1_000_000)).ok()
}

/// What went wrong, without the address: its owner knows it, and others need not.
fn why(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<Refused>() {
            return Refused.to_string();
        }
        cause = error.source();
    }
    broken_by(error).to_owned()
}

/// What broke an attempt off, without the address.
pub(crate) fn broken_by(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "it cannot be reached, or its certificate is not accepted"
    } else {
        "it broke off"
    }
}

#[cfg(test)]
mod tests;
