//! How many requests one caller may make: a bucket of tokens for each subject, so that one client in a loop does not take
//! everybody's share; and where anybody may ask, for each address. RFC 6585 (429) and draft-ietf-httpapi-ratelimit-headers-10.

use std::collections::HashMap;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use ipnet::IpNet;

use super::admission::Peer;
use super::server::read_proxies;
use super::shares::Holder;
use crate::auth::Shown;
use crate::config::Env;
use crate::problem::{Problem, code};

/// What is left, and until when: `"subject";r=1999;t=1`.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What is allowed: `"subject";q=2000;w=10`.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Subjects, or addresses, in one generation; two generations are kept.
const GENERATION: usize = 8_192;
/// More would be less than a nanosecond for a token, or overflow.
const MAX_RATE: u32 = 1_000_000;

/// How many requests of one subject, or from one address, are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    per_second: u32,
    burst: u32,
}

impl RateLimits {
    /// So many a second, and so many at once after a pause; `None` when either is 0.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let limits = Self {
            per_second: per_second.min(MAX_RATE),
            burst: burst.min(MAX_RATE),
        };
        (per_second > 0 && burst > 0).then_some(limits)
    }

    /// Reads `RATE_LIMIT_PER_SECOND` and `RATE_LIMIT_BURST`.
    pub fn read(env: &mut Env) -> Option<Self> {
        Self::new(
            env.or("RATE_LIMIT_PER_SECOND", 200),
            env.or("RATE_LIMIT_BURST", 2_000),
        )
    }

    /// Reads `ADDRESS_RATE_LIMIT_PER_SECOND` and `ADDRESS_RATE_LIMIT_BURST`.
    fn read_of_addresses(env: &mut Env) -> Option<Self> {
        Self::new(
            env.or("ADDRESS_RATE_LIMIT_PER_SECOND", 100),
            env.or("ADDRESS_RATE_LIMIT_BURST", 2_000),
        )
    }

    /// How long one token takes to come back.
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }

    /// How long an empty bucket takes to be full.
    fn window(self) -> Duration {
        self.interval() * self.burst
    }
}

/// A caller's bucket after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    /// Requests that it still holds.
    left: u128,
    /// Until it is full again.
    full_in: Duration,
    /// How long to wait, when the request was one too many.
    wait: Option<Duration>,
}

/// When each bucket will be full again, counted from the start (the "theoretical arrival time" of the generic cell rate
/// algorithm, ITU-T I.371). A bucket that is forgotten is full.
type Generation = HashMap<Holder, Duration>;

/// What anybody may ask without a token, from one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressLimits {
    limits: Option<RateLimits>,
    /// In which the proxies that are trusted say whom they ask for.
    header: Option<HeaderName>,
    proxies: Vec<IpNet>,
}

impl AddressLimits {
    /// Reads the limits, `HTTP_TRUSTED_PROXIES` and `HTTP_FORWARDED_HEADER`.
    pub fn read(env: &mut Env) -> Self {
        Self {
            limits: RateLimits::read_of_addresses(env),
            header: env.optional("HTTP_FORWARDED_HEADER", "X-Forwarded-For"),
            proxies: read_proxies(env),
        }
    }

    /// Whose request it is: of the peer, or of whom a trusted proxy names. Each proxy adds at the end whom it was asked by, so the
    /// last that is none of ours is the client; what stands before it the client may have written.
    fn holder(&self, peer: Peer, headers: &HeaderMap) -> Option<Holder> {
        if peer.0.is_some() {
            return peer.0;
        }
        let values: Vec<&HeaderValue> = headers.get_all(self.header.as_ref()?).iter().collect();
        let parts = values.iter().rev();
        for part in parts.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            let text = std::str::from_utf8(part).ok()?.trim();
            // Some write the port too.
            let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
            let address = text.parse().or_else(|_| with_port()).ok()?;
            let address = IpAddr::to_canonical(&address);
            if !self.proxies.iter().any(|net| net.contains(&address)) {
                return Some(Holder::at(address));
            }
        }
        None
    }
}

/// The buckets of all addresses, and how a request's is found.
#[derive(Debug)]
pub(super) struct AddressBuckets {
    buckets: Buckets,
    addresses: AddressLimits,
}

impl AddressBuckets {
    /// None without limits.
    pub(super) fn new(addresses: AddressLimits) -> Option<Arc<Self>> {
        let buckets = Buckets::new(addresses.limits?);
        Some(Arc::new(Self { buckets, addresses }))
    }
}

/// Refuses what one address asks beyond its share, before anything is done for it.
pub(super) async fn by_address(
    State(state): State<Arc<AddressBuckets>>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let holder = peer.and_then(|peer| state.addresses.holder(peer, request.headers()));
    let Some(holder) = holder else {
        return next.run(request).await;
    };
    match state
        .buckets
        .take(holder, 1, state.buckets.started.elapsed())
        .wait
    {
        None => next.run(request).await,
        Some(wait) => refused(wait).into_response(),
    }
}

/// The buckets of all callers, a bounded number of them.
#[derive(Debug)]
pub(super) struct Buckets {
    limits: RateLimits,
    started: Instant,
    generations: Mutex<(Generation, Generation)>,
}

impl Buckets {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            started: Instant::now(),
            generations: Mutex::default(),
        }
    }

    /// Takes so many tokens out of the holder's bucket, if they are in it.
    fn take(&self, holder: Holder, tokens: u32, now: Duration) -> Level {
        let (interval, window) = (self.limits.interval(), self.limits.window());
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (young, old) = &mut *generations;
        let known = young.get(&holder).copied().or_else(|| old.remove(&holder));
        let full_at = known.unwrap_or(now).max(now);
        let after = full_at + interval * tokens;
        let taken = after <= now + window;
        let full_at = if taken { after } else { full_at };
        if young.len() >= GENERATION && !young.contains_key(&holder) {
            *old = mem::take(young);
        }
        young.insert(holder, full_at);
        let full_in = full_at.saturating_sub(now);
        Level {
            left: window.saturating_sub(full_in).as_nanos() / interval.as_nanos(),
            full_in,
            wait: (!taken).then(|| after.saturating_sub(now + window)),
        }
    }

    fn mark(&self, headers: &mut HeaderMap, level: Level) {
        let (burst, window) = (self.limits.burst, seconds(self.limits.window()));
        let policy = format!(r#""subject";q={burst};w={window}"#);
        let state = format!(r#""subject";r={};t={}"#, level.left, seconds(level.full_in));
        for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Whole seconds, never less than it takes.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Out of which bucket a request is answered.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    buckets: Arc<Buckets>,
    holder: Holder,
}

impl Bucket {
    fn take(&self, tokens: u32) -> Level {
        let now = self.buckets.started.elapsed();
        self.buckets.take(self.holder, tokens, now)
    }

    /// Takes what a request costs that stands for so many, beside the token that it cost as one. None costs more than a full bucket.
    pub(crate) fn take_rest(&self, requests: usize) -> Result<(), Problem> {
        let burst = self.buckets.limits.burst;
        let tokens = u32::try_from(requests).map_or(burst, |requests| requests.min(burst));
        match self.take(tokens.saturating_sub(1)).wait {
            None => Ok(()),
            // It costs its own token again.
            Some(wait) => Err(refused(wait + self.buckets.limits.interval())),
        }
    }
}

/// Refuses what one caller asks beyond its share. Operators are not counted: they work when something is wrong. Nor is
/// who shows no valid token, which its route refuses: an address would stand for everybody behind one proxy.
pub(super) async fn layer(
    State(buckets): State<Arc<Buckets>>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = request.extensions().get::<Shown>();
    let caller = shown.and_then(|shown| shown.0.as_ref().ok());
    let Some(caller) = caller.filter(|caller| !caller.is_operator()) else {
        return next.run(request).await;
    };
    let holder = Holder::Subject(caller.identity().id());
    let bucket = Bucket { buckets, holder };
    let taken = bucket.take(1);
    let (mut response, level) = match taken.wait {
        None => {
            request.extensions_mut().insert(bucket.clone());
            // It may stand for many.
            (next.run(request).await, bucket.take(0))
        }
        Some(wait) => (refused(wait).into_response(), taken),
    };
    bucket.buckets.mark(response.headers_mut(), level);
    response
}

fn refused(wait: Duration) -> Problem {
    metrics::counter!("http_requests_rate_limited_total").increment(1);
    Problem::of(code::RATE_LIMITED)
        .with_detail("too many requests; try again after Retry-After")
        .with_header(RETRY_AFTER, HeaderValue::from(seconds(wait)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn buckets(per_second: u32, burst: u32) -> Buckets {
        Buckets::new(RateLimits::new(per_second, burst).unwrap())
    }

    fn subject(name: &str) -> Holder {
        Holder::Subject(Uuid::new_v5(&Uuid::nil(), name.as_bytes()))
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_answered_then_as_many_as_come_back() {
        let buckets = buckets(10, 3);
        for left in [2, 1, 0] {
            let level = buckets.take(subject("a"), 1, at(0));
            assert_eq!((level.left, level.wait), (left, None));
        }
        assert_eq!(buckets.take(subject("a"), 1, at(0)).wait, Some(at(100)));
        assert_eq!(
            buckets.take(subject("a"), 1, at(40)).wait,
            Some(at(60)),
            "a refusal costs nothing"
        );
        assert_eq!(
            buckets.take(subject("b"), 1, at(40)).wait,
            None,
            "another has its own"
        );
        assert_eq!(buckets.take(subject("a"), 1, at(100)).wait, None);
        assert_eq!(buckets.take(subject("a"), 1, at(100)).wait, Some(at(100)));
        let rested = buckets.take(subject("a"), 1, at(10_000));
        assert_eq!(
            (rested.left, rested.full_in),
            (2, at(100)),
            "no more than a burst is saved up"
        );
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_who_asks_on_is_remembered() {
        let buckets = buckets(1, 2);
        assert_eq!(buckets.take(subject("busy"), 1, at(0)).wait, None);
        assert_eq!(buckets.take(subject("busy"), 1, at(0)).wait, None);
        for n in 0..GENERATION * 5 {
            buckets.take(subject(&n.to_string()), 1, at(0));
            assert!(
                buckets.take(subject("busy"), 1, at(0)).wait.is_some(),
                "{n}"
            );
        }
        let generations = buckets.generations.lock().unwrap();
        assert!(generations.0.len() + generations.1.len() <= 2 * GENERATION);
    }

    #[test]
    fn zero_switches_it_off_and_the_largest_figures_do_not_overflow() {
        assert_eq!(RateLimits::new(0, 5), None);
        assert_eq!(RateLimits::new(5, 0), None);
        let most = buckets(u32::MAX, u32::MAX);
        assert_eq!(
            most.take(subject("a"), 1, at(u64::MAX / 1_000_000)).wait,
            None
        );
    }

    fn named(values: &[&'static str], trusted: bool) -> Option<Holder> {
        let limits = AddressLimits {
            limits: None,
            header: trusted.then(|| HeaderName::from_static("x-forwarded-for")),
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
        };
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append("x-forwarded-for", value);
        }
        limits.holder(Peer(None), &headers)
    }

    #[test]
    fn a_trusted_proxy_says_whom_it_asks_for_and_what_a_client_wrote_before_that_is_passed_over() {
        let client = Some(Holder::at([192, 0, 2, 7].into()));
        for values in [
            &["192.0.2.7"][..],
            &["203.0.113.9, 192.0.2.7"],
            &["203.0.113.9", "192.0.2.7, 10.1.2.3"],
            &["not an address, 192.0.2.7 ,10.1.2.3"],
        ] {
            assert_eq!(named(values, true), client, "{values:?}");
            assert_eq!(named(values, false), None, "the header is not configured");
        }
        assert_eq!(named(&[], true), None);
        for values in [
            &["203.0.113.9, 192.0.2.7:80"][..],
            // What a client wrote may be no text at all.
            &["\u{fe}, 192.0.2.7"],
            &["\u{fe}", "192.0.2.7"],
        ] {
            assert_eq!(named(values, true), client, "{values:?}");
        }
        // What a proxy wrote and nobody understands is not what stands before it.
        assert_eq!(named(&["203.0.113.9, unknown"], true), None);
        let direct = Peer(Some(Holder::at([192, 0, 2, 8].into())));
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("192.0.2.7"));
        let limits = AddressLimits {
            header: Some(HeaderName::from_static("x-forwarded-for")),
            ..AddressLimits::default()
        };
        assert_eq!(limits.holder(direct, &headers), direct.0, "it is no proxy");
    }
}
