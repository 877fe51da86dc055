//! A key set at a URL: fetched by one task at an interval, and when a token names a key that is not known.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::causes::with_causes;

use super::jwks::KeySet;
use super::known::Current;
use super::{Algorithm, KeyError};

/// A document has at most so many bytes.
const MAX_BYTES: usize = 256 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// A request waits so long for a fetch, ...
const PATIENCE: Duration = Duration::from_secs(2);
/// ... and so many at once do: the others are answered by the keys there are.
const WAITING: usize = 64;

/// Where the document is and how long it counts.
#[derive(Debug, Clone)]
pub struct RemoteKeys {
    /// `https`, or `http` on this machine.
    pub url: Url,
    /// What tokens are signed with.
    pub algorithm: Algorithm,
    /// Fetched so often.
    pub refresh: Duration,
    /// Whatever tokens name, the document is fetched no more often for them than this.
    pub gap: Duration,
    /// A key that the document does not hold any more counts for so long.
    pub keep: Duration,
    /// While the document cannot be fetched, its keys count for so long.
    pub max_stale: Duration,
    /// Certificates in PEM that the server's may be signed by, beside the system's.
    pub authorities: Option<String>,
}

/// Why there is no newer document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("it cannot be fetched: {0}")]
    Http(String),
    #[error("the answer is {0}, not 200; redirects are not followed")]
    Status(u16),
    #[error("it has more than 256 KiB")]
    TooLarge,
    #[error("it is no text in UTF-8")]
    NotText,
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(with_causes(&error))
    }
}

/// Of the last fetch.
#[derive(Debug, Clone, Default)]
struct Attempt {
    /// Counts the fetches that ended.
    ended: u64,
    began: Option<Instant>,
    under_way: bool,
    failed: Option<String>,
    /// There were keys once.
    had_keys: bool,
}

/// The keys of a document, kept fresh by [`Remote::run`].
pub(super) struct Remote {
    settings: RemoteKeys,
    client: reqwest::Client,
    current: Current,
    wanted: Notify,
    waiting: Semaphore,
    attempt: watch::Sender<Attempt>,
}

/// The document as it was last fetched, and what it held before.
struct Held {
    set: KeySet,
    dropped: BTreeMap<String, (Jwk, Instant)>,
    fetched: Instant,
}

impl Remote {
    pub(super) fn new(settings: RemoteKeys, current: Current) -> Result<Self, FetchError> {
        // Until the first fetch has ended, every request waits for it.
        let attempt = Attempt {
            under_way: true,
            ..Attempt::default()
        };
        Ok(Self {
            client: client(&settings)?,
            settings,
            current,
            wanted: Notify::new(),
            waiting: Semaphore::new(WAITING),
            attempt: watch::Sender::new(attempt),
        })
    }

    /// Why there is no newer document, if the last fetch failed.
    pub(super) fn failure(&self) -> Option<String> {
        let failed = self.attempt.borrow().failed.clone()?;
        Some(format!("JWT_JWKS_URL ({}): {failed}", self.settings.url))
    }

    /// Whether there were keys once, though they may count no more.
    pub(super) fn had_keys(&self) -> bool {
        self.attempt.borrow().had_keys
    }

    /// For a request that shows an unknown key: returns after the fetch that is under way, or after one for it. At once
    /// when there was one a moment ago, or when too many wait.
    pub(super) async fn refreshed(&self) {
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return;
        };
        let mut attempts = self.attempt.subscribe();
        let last = attempts.borrow_and_update().clone();
        if !last.under_way {
            if last
                .began
                .is_some_and(|began| began.elapsed() < self.settings.gap)
            {
                return;
            }
            self.wanted.notify_one();
        }
        let ended = attempts.wait_for(|attempt| attempt.ended > last.ended);
        let _too_late = timeout(PATIENCE, ended).await;
    }

    /// Keeps the keys fresh until stopped.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut held = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.attempt(&mut held) => {}
            }
            let next = self.next(held.as_ref());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
                () = self.fetch_wanted() => {}
            }
        }
    }

    /// When the document is to be fetched again, or a key's time is up.
    fn next(&self, held: Option<&Held>) -> Instant {
        let now = Instant::now();
        let failed = self.attempt.borrow().failed.is_some();
        let pause = if failed {
            self.settings.refresh.min(self.settings.gap)
        } else {
            self.settings.refresh
        };
        let ends = held.into_iter().flat_map(|held| held.dropped.values());
        ends.map(|(_, end)| *end)
            .chain([now + pause])
            .min()
            .unwrap_or(now + pause)
    }

    /// A request needs it, and the last fetch is not of this moment.
    async fn fetch_wanted(&self) {
        loop {
            self.wanted.notified().await;
            let began = self.attempt.borrow().began;
            if began.is_none_or(|began| began.elapsed() >= self.settings.gap) {
                return;
            }
        }
    }

    async fn attempt(&self, held: &mut Option<Held>) {
        self.attempt.send_modify(|attempt| {
            attempt.under_way = true;
            attempt.began = Some(Instant::now());
        });
        let fetched = fetch(&self.client, &self.settings).await;
        let now = Instant::now();
        let failed = fetched.as_ref().err().map(ToString::to_string);
        if let Some(reason) = &failed {
            tracing::warn!(url = %self.settings.url, reason, "the key set is not refreshed: the keys there are stay for up to a day");
        }
        metrics::gauge!("jwt_keys_failing").set(if failed.is_some() { 1.0 } else { 0.0 });
        let changed = self.hold(held, fetched.ok(), now);
        if changed && let Some(held) = held {
            self.put(held);
        } else if changed {
            tracing::error!(url = %self.settings.url, "the key set could not be fetched for a day: no token is taken any more");
            self.current.set(None);
        }
        self.attempt.send_modify(|attempt| {
            attempt.under_way = false;
            attempt.ended += 1;
            attempt.failed = failed;
            attempt.had_keys |= held.is_some();
        });
    }

    /// What is held now; whether other keys count than before.
    fn hold(&self, held: &mut Option<Held>, fetched: Option<KeySet>, now: Instant) -> bool {
        let Some(before) = held.as_mut() else {
            *held = fetched.map(|set| Held::first(set, now));
            return held.is_some();
        };
        if let Some(set) = fetched {
            return before.take(set, now, self.settings.keep);
        }
        if now.duration_since(before.fetched) > self.settings.max_stale {
            *held = None;
            return true;
        }
        before.expire(now)
    }

    fn put(&self, held: &Held) {
        let dropped = held.dropped.iter().map(|(kid, (jwk, _))| (kid, jwk));
        match held.set.with(dropped) {
            Ok(keys) => {
                tracing::info!(url = %self.settings.url, ?keys, "these keys verify tokens");
                self.current.set(Some(keys));
            }
            // Every key was tried when its document was read.
            Err(error) => tracing::error!(%error, "the key set cannot be used"),
        }
    }
}

impl Held {
    fn first(set: KeySet, now: Instant) -> Self {
        Self {
            set,
            dropped: BTreeMap::new(),
            fetched: now,
        }
    }

    /// Takes a newer document; keys that it dropped count until `keep` is over.
    fn take(&mut self, set: KeySet, now: Instant, keep: Duration) -> bool {
        self.fetched = now;
        let mut changed = set != self.set;
        let before = std::mem::replace(&mut self.set, set);
        for (kid, jwk) in before.named {
            self.dropped.entry(kid).or_insert((jwk, now + keep));
        }
        self.dropped
            .retain(|kid, _| !self.set.named.contains_key(kid));
        changed |= self.expire(now);
        changed
    }

    /// Forgets dropped keys whose time is over.
    fn expire(&mut self, now: Instant) -> bool {
        let before = self.dropped.len();
        self.dropped.retain(|_, (_, end)| *end > now);
        self.dropped.len() != before
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &self.settings.url.as_str())
            .finish_non_exhaustive()
    }
}

/// The one way out to the issuer.
fn client(settings: &RemoteKeys) -> Result<reqwest::Client, FetchError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .https_only(settings.url.scheme() == "https")
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(FETCH_TIMEOUT);
    if let Some(pem) = &settings.authorities {
        let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
        builder = builder.tls_certs_merge(authorities);
    }
    Ok(builder.build()?)
}

async fn fetch(client: &reqwest::Client, settings: &RemoteKeys) -> Result<KeySet, FetchError> {
    let mut response = client.get(settings.url.clone()).send().await?;
    if response.status().as_u16() != 200 {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes).map_err(|_| FetchError::NotText)?;
    Ok(KeySet::parse(settings.algorithm, &text)?)
}
