//! API keys of brands: bearer tokens that are looked up and not verified. What is kept of a key is its SHA-256: a secret of 256
//! random bits cannot be guessed, so nothing slower would make its hash safer.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use secrecy::{ExposeSecret, SecretString};
use types::{API_KEY_START, ApiKeyId, ApiKeyScope, BrandId, Micros, hash_of_hex, hex, is_api_key};

use super::{Caller, Role, TokenError};
use crate::problem::Problem;

/// What was looked up counts for so long: with the time until a service knows of it, a key that is revoked opens nothing after a
/// second.
const FRESH: Duration = Duration::from_millis(300);
/// How long a look-up may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// That a key is used is noted so often at most.
const NOTED_EVERY: i64 = 60_000_000;

/// A key that was made a moment ago: its secret is here and nowhere else.
pub struct NewApiKey {
    secret: SecretString,
    prefix: String,
    hash: String,
}

impl NewApiKey {
    /// A key of 256 bits from the operating system.
    pub fn generate() -> Result<Self, Problem> {
        let mut random = [0; 36];
        rand::fill(&mut random).map_err(|error| Problem::internal(&error))?;
        let (prefix, secret) = random.split_at(4);
        let prefix = hex(prefix);
        let secret = format!("{API_KEY_START}{prefix}_{}", hex(secret));
        Ok(Self {
            hash: hex(&hash(&secret)),
            secret: secret.into(),
            prefix,
        })
    }

    /// How it begins, for lists.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What is kept of it.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The key itself, where this hash is what was recorded: of a request that repeats another the first one's was.
    pub fn shown_for(&self, recorded: &str) -> Option<String> {
        (self.hash == recorded).then(|| self.secret.expose_secret().to_owned())
    }
}

impl fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewApiKey({API_KEY_START}{}_…)", self.prefix)
    }
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name.
    pub id: ApiKeyId,
    /// Whose.
    pub brand: BrandId,
    /// What it may do.
    pub scopes: Vec<ApiKeyScope>,
    /// SHA-256 of the whole key, in hexadecimal.
    pub hash: String,
    /// That of the key of before, and until when it goes on.
    pub previous: Option<(String, Micros)>,
    /// Until when it is valid.
    pub expires_at: Option<Micros>,
}

impl ApiKey {
    /// The hashes of its secrets that open something now: of a key that is over none.
    pub fn hashes_at(&self, now: Micros) -> impl Iterator<Item = &str> {
        let over = self.expires_at.is_some_and(|until| until <= now);
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now);
        let hashes = [Some(&self.hash), previous.map(|(hash, _)| hash)];
        let hashes = hashes.into_iter().flatten().filter(move |_| !over);
        hashes.map(String::as_str)
    }
}

/// What a look-up comes to, later.
pub type LookUp<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Where a service keeps the keys that it knows.
pub trait ApiKeyTable: Send + Sync {
    /// A number that is another after each change of the table.
    fn change(&self) -> LookUp<'_, Option<i64>>;
    /// Every key that was not revoked.
    fn keys(&self) -> LookUp<'_, Vec<ApiKey>>;
    /// Notes that a key was used.
    fn used<'a>(&'a self, key: &'a ApiKeyId, at: Micros) -> LookUp<'a, ()>;
}

/// The keys of a table, as they were a moment ago.
pub(super) struct ApiKeys {
    table: Arc<dyn ApiKeyTable>,
    known: Mutex<Known>,
    looking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    /// The last look.
    looked: Option<Looked>,
    change: Option<i64>,
    keys: Arc<HashMap<[u8; 32], Arc<Entry>>>,
}

/// When a look began and ended, and whether it came to anything.
#[derive(Clone, Copy)]
struct Looked {
    began: Instant,
    ended: Instant,
    well: bool,
}

/// A key under one of its hashes.
struct Entry {
    key: ApiKey,
    until: Option<Micros>,
    noted: AtomicI64,
}

impl Known {
    /// What the last look came to, when that is not long ago, or was while this caller waited for it.
    fn fresh(&self, since: Instant) -> Option<Result<Self, TokenError>> {
        let Looked { began, ended, well } = self.looked?;
        // Of one that came to nothing nobody knows when it began to be so.
        let at = if well { began } else { ended };
        let fresh = at.elapsed() < FRESH || ended >= since;
        fresh.then(|| {
            well.then(|| self.clone())
                .ok_or(TokenError::ApiKeysUnavailable)
        })
    }
}

impl ApiKeys {
    pub(super) fn of(table: Arc<dyn ApiKeyTable>) -> Self {
        Self {
            table,
            known: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// Whom a text speaks for that begins as a key. What has not a key's form is not looked for, and of what has it the cost is
    /// one hash and one look into memory, whether there is such a key or not.
    pub(super) async fn caller(&self, token: &str) -> Result<Caller, TokenError> {
        if !is_api_key(token) {
            return Err(TokenError::ApiKey);
        }
        let known = self.fresh().await?;
        let entry = known.keys.get(&hash(token)).ok_or(TokenError::ApiKey)?;
        let now = now();
        let over = |until: Option<Micros>| until.is_some_and(|until| until <= now);
        if over(entry.until) || over(entry.key.expires_at) {
            return Err(TokenError::ApiKey);
        }
        self.note(entry, now).await;
        Ok(Caller::of_api_key(&entry.key))
    }

    /// The keys as they were [`FRESH`] ago at most, or when the look began that this caller waited for. Who comes when they are older
    /// waits for one look, whoever makes it.
    async fn fresh(&self) -> Result<Known, TokenError> {
        let since = Instant::now();
        if let Some(known) = self.lock().fresh(since) {
            return known;
        }
        let _one_looks = self.looking.lock().await;
        if let Some(known) = self.lock().fresh(since) {
            return known;
        }
        let (began, before) = (Instant::now(), self.lock().change);
        let look = tokio::time::timeout(PATIENCE, self.look(before)).await;
        let look = look.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        let mut known = self.lock();
        known.looked = Some(Looked {
            began,
            ended: Instant::now(),
            well: look.is_ok(),
        });
        match look {
            Ok(Some((change, keys))) => {
                known.change = change;
                known.keys = Arc::new(keys);
            }
            Ok(None) => {}
            Err(error) => {
                // Not to be taken for current when the table is there again.
                known.change = None;
                tracing::warn!(error, "API keys cannot be looked up");
                return Err(TokenError::ApiKeysUnavailable);
            }
        }
        Ok(known.clone())
    }

    /// The table's keys, when it has changed. Which change it was is read first: what comes in between is seen twice.
    async fn look(&self, before: Option<i64>) -> Result<Option<Changed>, String> {
        let change = self.table.change().await?;
        if change.is_some() && change == before {
            return Ok(None);
        }
        let mut keys = HashMap::new();
        if change.is_some() {
            for key in self.table.keys().await? {
                let previous = key.previous.clone();
                let previous = previous.map(|(hash, until)| (hash, Some(until)));
                let current = (key.hash.clone(), None);
                for (hash, until) in [current].into_iter().chain(previous) {
                    let entry = Entry {
                        key: key.clone(),
                        until,
                        noted: AtomicI64::new(0),
                    };
                    // The key that was there first.
                    let of_hash = hash_of_hex(&hash).ok_or("a hash cannot be read")?;
                    keys.entry(of_hash).or_insert_with(|| Arc::new(entry));
                }
            }
        }
        Ok(Some((change, keys)))
    }

    /// Notes a use, unless one was noted a moment ago. That it cannot be noted keeps nobody out.
    async fn note(&self, entry: &Entry, now: Micros) {
        let noted = entry.noted.load(Ordering::Relaxed);
        let exchanged = |noted| {
            let (ok, failed) = (Ordering::Relaxed, Ordering::Relaxed);
            let done = entry.noted.compare_exchange(noted, now.get(), ok, failed);
            done.is_ok()
        };
        if now.get().saturating_sub(noted) < NOTED_EVERY || !exchanged(noted) {
            return;
        }
        let noting = self.table.used(&entry.key.id, now);
        match tokio::time::timeout(PATIENCE, noting).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(error, "that a key is used is not noted"),
            Err(_) => tracing::debug!("that a key is used is not noted in time"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The change that was read, and the keys.
type Changed = (Option<i64>, HashMap<[u8; 32], Arc<Entry>>);

impl Caller {
    fn of_api_key(key: &ApiKey) -> Self {
        Self {
            subject: key.id.to_string(),
            roles: vec![Role::Brand],
            partner_id: None,
            brand_id: Some(key.brand.clone()),
            user_id: None,
            email: None,
            scopes: Some(key.scopes.clone()),
        }
    }
}

/// To the second, as for tokens. A key ends when its brand said, which is an event's time: it is no token, whose time is real.
fn now() -> Micros {
    let Micros(now) = crate::time::now();
    Micros(now - now.rem_euclid(1_000_000))
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table in memory that counts what is looked at.
    #[derive(Default)]
    struct Table(Mutex<Counted>);

    #[derive(Default)]
    struct Counted {
        change: Option<i64>,
        keys: Vec<ApiKey>,
        away: bool,
        looks: usize,
        reads: usize,
        uses: usize,
    }

    impl Table {
        fn set(&self, keys: Vec<ApiKey>) {
            let mut counted = self.0.lock().unwrap();
            counted.change = Some(counted.change.unwrap_or(0) + 1);
            counted.keys = keys;
        }
    }

    impl ApiKeyTable for Table {
        fn change(&self) -> LookUp<'_, Option<i64>> {
            let mut counted = self.0.lock().unwrap();
            counted.looks += 1;
            let change = if counted.away {
                Err("away".to_owned())
            } else {
                Ok(counted.change)
            };
            Box::pin(async move { change })
        }

        fn keys(&self) -> LookUp<'_, Vec<ApiKey>> {
            let mut counted = self.0.lock().unwrap();
            counted.reads += 1;
            let keys = counted.keys.clone();
            Box::pin(async move { Ok(keys) })
        }

        fn used<'a>(&'a self, _: &'a ApiKeyId, _: Micros) -> LookUp<'a, ()> {
            self.0.lock().unwrap().uses += 1;
            Box::pin(async { Ok(()) })
        }
    }

    fn key(new: &NewApiKey) -> ApiKey {
        ApiKey {
            id: ApiKeyId::parse("key_1").unwrap(),
            brand: BrandId::parse("brand1").unwrap(),
            scopes: vec![ApiKeyScope::ReportsRead],
            hash: new.hash.clone(),
            previous: None,
            expires_at: None,
        }
    }

    fn secret(new: &NewApiKey) -> String {
        new.shown_for(new.hash()).unwrap()
    }

    /// As if the last look were long ago.
    fn wear_off(keys: &ApiKeys) {
        keys.lock().looked = None;
    }

    #[test]
    fn a_new_key_has_the_one_form_and_is_shown_for_its_own_hash_only() {
        let (one, other) = (
            NewApiKey::generate().unwrap(),
            NewApiKey::generate().unwrap(),
        );
        assert!(is_api_key(&secret(&one)));
        assert!(secret(&one).starts_with(&format!("trib_{}_", one.prefix())));
        assert_ne!(secret(&one), secret(&other));
        assert_eq!(one.shown_for(other.hash()), None);
        assert!(!format!("{one:?}").contains(&secret(&one)));
    }

    #[tokio::test]
    async fn a_key_speaks_for_its_brand_until_its_table_has_it_no_more() {
        let (table, new) = (Arc::new(Table::default()), NewApiKey::generate().unwrap());
        let keys = ApiKeys::of(table.clone());
        let secret = secret(&new);
        assert_eq!(keys.caller(&secret).await, Err(TokenError::ApiKey));
        table.set(vec![key(&new)]);
        wear_off(&keys);
        let caller = keys.caller(&secret).await.unwrap();
        assert_eq!(caller.subject, "key_1");
        assert_eq!(caller.brand().map(BrandId::as_str), Some("brand1"));
        assert_eq!(caller.scopes, Some(vec![ApiKeyScope::ReportsRead]));
        assert!(!caller.is_operator() && caller.partner().is_none());
        table.set(Vec::new());
        wear_off(&keys);
        assert_eq!(keys.caller(&secret).await, Err(TokenError::ApiKey));
    }

    #[tokio::test]
    async fn a_key_that_is_over_opens_nothing_and_that_of_before_as_long_as_was_said() {
        let (old, new) = (
            NewApiKey::generate().unwrap(),
            NewApiKey::generate().unwrap(),
        );
        let table = Arc::new(Table::default());
        let keys = ApiKeys::of(table.clone());
        let (later, earlier) = (Micros(now().get() + 60_000_000), Micros(now().get() - 1));
        for (until, expires_at, opens) in [
            (later, None, [true, true]),
            (later, Some(later), [true, true]),
            (earlier, None, [true, false]),
            (later, Some(earlier), [false, false]),
        ] {
            table.set(vec![ApiKey {
                previous: Some((old.hash.clone(), until)),
                expires_at,
                ..key(&new)
            }]);
            wear_off(&keys);
            for (which, opens) in [&new, &old].into_iter().zip(opens) {
                let opened = keys.caller(&secret(which)).await.is_ok();
                assert_eq!(opened, opens, "{until:?} {expires_at:?}");
            }
        }
    }

    #[tokio::test]
    async fn garbage_is_not_looked_for_and_many_guesses_cost_one_look() {
        let table = Arc::new(Table::default());
        let keys = ApiKeys::of(table.clone());
        for garbage in ["trib_", "trib_0123abcd_5", &"trib_".repeat(1_000)] {
            assert_eq!(keys.caller(garbage).await, Err(TokenError::ApiKey));
        }
        assert_eq!(table.0.lock().unwrap().looks, 0);
        table.set(Vec::new());
        let guesses = (0..500).map(|n| format!("trib_0123abcd_{n:064x}"));
        let guesses: Vec<String> = guesses.collect();
        let answers = guesses.iter().map(|guess| keys.caller(guess));
        for answer in futures::future::join_all(answers).await {
            assert_eq!(answer, Err(TokenError::ApiKey));
        }
        let counted = table.0.lock().unwrap();
        assert!(
            counted.looks <= 2 && counted.reads <= 1,
            "{}",
            counted.looks
        );
    }

    #[tokio::test]
    async fn what_cannot_be_looked_up_is_nobody_and_was_nothing_remembered() {
        let (table, new) = (Arc::new(Table::default()), NewApiKey::generate().unwrap());
        table.set(vec![key(&new)]);
        let keys = ApiKeys::of(table.clone());
        let secret = secret(&new);
        assert!(keys.caller(&secret).await.is_ok());
        table.0.lock().unwrap().away = true;
        wear_off(&keys);
        for _ in 0..2 {
            let away = Err(TokenError::ApiKeysUnavailable);
            assert_eq!(keys.caller(&secret).await, away);
        }
        // It was restored from a copy of before, with the same number.
        {
            let mut counted = table.0.lock().unwrap();
            counted.keys = Vec::new();
            counted.away = false;
        }
        wear_off(&keys);
        assert_eq!(keys.caller(&secret).await, Err(TokenError::ApiKey));
    }

    /// A table that answers so late.
    struct Late {
        table: Arc<Table>,
        by: Duration,
    }

    impl ApiKeyTable for Late {
        fn change(&self) -> LookUp<'_, Option<i64>> {
            Box::pin(async {
                tokio::time::sleep(self.by).await;
                self.table.change().await
            })
        }

        fn keys(&self) -> LookUp<'_, Vec<ApiKey>> {
            self.table.keys()
        }

        fn used<'a>(&'a self, key: &'a ApiKeyId, at: Micros) -> LookUp<'a, ()> {
            self.table.used(key, at)
        }
    }

    #[tokio::test]
    async fn a_look_that_takes_longer_than_it_is_fresh_for_is_one_for_all_who_wait_and_too_long_a_one_opens_nothing()
     {
        let (table, new) = (Arc::new(Table::default()), NewApiKey::generate().unwrap());
        table.set(vec![key(&new)]);
        let late = |by| Late {
            table: Arc::clone(&table),
            by,
        };
        let secret = secret(&new);
        let keys = ApiKeys::of(Arc::new(late(FRESH * 2)));
        let callers = (0..50).map(|_| keys.caller(&secret));
        for caller in futures::future::join_all(callers).await {
            assert!(caller.is_ok(), "{caller:?}");
        }
        assert_eq!(table.0.lock().unwrap().looks, 1);
        // Before any look came to something, and after.
        let hanging = ApiKeys::of(Arc::new(late(PATIENCE * 2)));
        let after = keys.lock().clone();
        for known in [Known::default(), after] {
            *hanging.lock() = known;
            wear_off(&hanging);
            let callers = (0..50).map(|_| hanging.caller(&secret));
            for caller in futures::future::join_all(callers).await {
                assert_eq!(caller, Err(TokenError::ApiKeysUnavailable));
            }
        }
    }

    #[tokio::test]
    async fn a_use_is_noted_once_a_minute() {
        let (table, new) = (Arc::new(Table::default()), NewApiKey::generate().unwrap());
        table.set(vec![key(&new)]);
        let keys = ApiKeys::of(table.clone());
        for _ in 0..20 {
            keys.caller(&secret(&new)).await.unwrap();
        }
        assert_eq!(table.0.lock().unwrap().uses, 1);
    }
}
