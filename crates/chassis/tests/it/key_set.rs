//! A key set at a URL, served by a small real server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chassis::auth::{
    Algorithm, Anonymous, AuthConfig, Claims, RemoteKeys, SigningKey, Surface, TokenError, Verifier,
};
use chassis::config::{Env, Profile};
use chassis::http::Limits;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{AUDIENCE, App, ISSUER, problem};

const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(50);
const NEVER: Duration = Duration::from_hours(1);

/// A key of an issuer.
struct Key {
    kid: &'static str,
    signing: SigningKey,
    public: String,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let private = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(private.as_ref())
        );
        let signing = SigningKey::pem(Algorithm::EdDsa, pem.as_bytes()).unwrap();
        Self {
            kid,
            signing: signing.named(kid),
            public: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        }
    }

    fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "x": self.public})
    }

    fn token(&self) -> String {
        let claims = Claims::new("user123", ISSUER, AUDIENCE, 600).partner("partner123");
        self.signing.mint(&claims).unwrap()
    }
}

fn document(keys: &[&Key]) -> Answer {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    Answer::Text(json!({ "keys": keys }).to_string())
}

/// What the issuer answers.
#[derive(Clone)]
enum Answer {
    Text(String),
    Status(u16),
    RedirectTo(String),
    Endless,
    Silence,
}

/// An issuer's server.
#[derive(Clone)]
struct Issuer {
    answer: Arc<Mutex<Answer>>,
    fetches: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Issuer {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            answer: Arc::new(Mutex::new(answer)),
            fetches: Arc::default(),
            sent: Arc::default(),
            address: listener.local_addr().unwrap(),
        };
        let here = issuer.clone();
        let router = Router::new().route("/jwks", get(move || async move { here.respond().await }));
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn respond(&self) -> Response {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Answer::Text(text) => text.into_response(),
            Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
            Answer::RedirectTo(url) => (StatusCode::FOUND, [(LOCATION, url)]).into_response(),
            Answer::Endless => {
                let sent = Arc::clone(&self.sent);
                let chunks = futures::stream::repeat_with(move || {
                    sent.fetch_add(64 * 1024, Ordering::SeqCst);
                    Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 64 * 1024]))
                });
                Body::from_stream(chunks).into_response()
            }
            Answer::Silence => std::future::pending().await,
        }
    }

    fn keys(&self, refresh: Duration, gap: Duration, keep: Duration) -> RemoteKeys {
        RemoteKeys {
            url: format!("http://{}/jwks", self.address).parse().unwrap(),
            algorithm: Algorithm::EdDsa,
            refresh,
            gap,
            keep,
            max_stale: NEVER,
            authorities: None,
        }
    }
}

/// A verifier whose keys are kept fresh while it lives.
struct Fresh {
    verifier: Arc<Verifier>,
    stop: CancellationToken,
}

impl Fresh {
    fn start(keys: RemoteKeys) -> Self {
        let verifier = Verifier::remote(keys, ISSUER, AUDIENCE, Anonymous::Refused).unwrap();
        let stop = CancellationToken::new();
        TaskTracker::new().spawn(verifier.refresh(stop.clone()).unwrap());
        Self {
            verifier: Arc::new(verifier),
            stop,
        }
    }

    async fn takes(&self, token: &str) -> Result<(), TokenError> {
        let caller = self.verifier.caller_by_fresh_keys(&shown(token)).await;
        caller.map(|caller| assert_eq!(caller.subject, "user123"))
    }

    fn reported(&self) -> String {
        format!("{:?}", self.verifier.readiness().unwrap())
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn shown(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_key_that_is_published_is_known_when_a_token_names_it_and_the_old_one_counts_on() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::start(document(&[&old])).await;
    let fresh = Fresh::start(issuer.keys(NEVER, Duration::ZERO, NEVER));
    assert_eq!(
        fresh.takes(&old.token()).await,
        Ok(()),
        "it waits for the first fetch"
    );
    assert_eq!(fresh.takes(&new.token()).await, Err(TokenError::UnknownKey));
    issuer.answers(document(&[&old, &new]));
    assert_eq!(fresh.takes(&new.token()).await, Ok(()));
    issuer.answers(document(&[&new]));
    let third = Key::new("third");
    assert_eq!(
        fresh.takes(&third.token()).await,
        Err(TokenError::UnknownKey)
    );
    assert_eq!(
        fresh.takes(&old.token()).await,
        Ok(()),
        "dropped, but kept a while"
    );
    assert_eq!(fresh.takes(&new.token()).await, Ok(()));
    assert!(fresh.verifier.readiness().unwrap().ready);
}

#[tokio::test]
async fn no_token_is_remembered_longer_than_its_key_counts() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::start(document(&[&old])).await;
    let fresh = Fresh::start(issuer.keys(SOON, NEVER, Duration::ZERO));
    let token = old.token();
    assert_eq!(fresh.takes(&token).await, Ok(()));
    assert_eq!(fresh.takes(&token).await, Ok(()), "from memory");
    issuer.answers(document(&[&new]));
    until("the key ends", async || {
        fresh.takes(&token).await == Err(TokenError::UnknownKey)
    })
    .await;
    assert_eq!(fresh.takes(&new.token()).await, Ok(()));
}

#[tokio::test]
async fn a_dropped_keys_time_ends_by_itself() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::start(document(&[&old])).await;
    let fresh = Fresh::start(issuer.keys(SOON, NEVER, SOON));
    assert_eq!(fresh.takes(&old.token()).await, Ok(()));
    issuer.answers(document(&[&new]));
    let token = old.token();
    until("the key ends", async || fresh.takes(&token).await.is_err()).await;
}

#[tokio::test]
async fn a_name_that_is_used_again_means_the_new_key_at_once() {
    let (old, new) = (Key::new("key"), Key::new("key"));
    let issuer = Issuer::start(document(&[&old])).await;
    let fresh = Fresh::start(issuer.keys(SOON, NEVER, NEVER));
    assert_eq!(fresh.takes(&old.token()).await, Ok(()));
    issuer.answers(document(&[&new]));
    let token = new.token();
    until("the new key counts", async || {
        fresh.takes(&token).await.is_ok()
    })
    .await;
    assert_eq!(fresh.takes(&old.token()).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn whatever_tokens_name_the_issuer_is_asked_once_for_all_of_them() {
    let known = Key::new("known");
    let issuer = Issuer::start(document(&[&known])).await;
    let fresh = Arc::new(Fresh::start(issuer.keys(NEVER, NEVER, NEVER)));
    assert_eq!(fresh.takes(&known.token()).await, Ok(()));
    let mut tries = JoinSet::new();
    for _ in 0..500 {
        let (fresh, token) = (Arc::clone(&fresh), Key::new("made up").token());
        tries.spawn(async move { fresh.takes(&token).await });
    }
    let all = tries.join_all().await;
    assert!(
        all.iter()
            .all(|taken| *taken == Err(TokenError::UnknownKey))
    );
    assert_eq!(issuer.fetches(), 1, "the first one was a moment ago");
}

#[tokio::test]
async fn an_issuer_that_is_silent_delays_few_requests_and_only_of_unknown_keys() {
    let known = Key::new("known");
    let issuer = Issuer::start(document(&[&known])).await;
    let fresh = Arc::new(Fresh::start(issuer.keys(NEVER, Duration::ZERO, NEVER)));
    assert_eq!(fresh.takes(&known.token()).await, Ok(()));
    issuer.answers(Answer::Silence);
    let strange = Key::new("strange").token();
    let mut waiting = JoinSet::new();
    for _ in 0..64 {
        let (fresh, token) = (Arc::clone(&fresh), strange.clone());
        waiting.spawn(async move { fresh.takes(&token).await });
    }
    until("it is asked", async || issuer.fetches() == 2).await;
    // One more than may wait is answered by the keys there are, and known keys by themselves.
    assert_eq!(fresh.takes(&strange).await, Err(TokenError::UnknownKey));
    assert_eq!(fresh.takes(&known.token()).await, Ok(()));
    assert!(waiting.try_join_next().is_none(), "the 64 still wait");
    let all = waiting.join_all().await;
    assert!(
        all.iter()
            .all(|taken| *taken == Err(TokenError::UnknownKey))
    );
    assert_eq!(issuer.fetches(), 2, "one for all");
}

#[tokio::test]
async fn documents_that_nobody_means_are_refused_and_the_keys_of_before_count_on() {
    let known = Key::new("known");
    let elsewhere = Issuer::start(document(&[&Key::new("stolen")])).await;
    let many: Vec<Value> = (0..10_000)
        .map(|n| json!({"kty": "OKP", "crv": "Ed25519", "kid": n.to_string(), "x": known.public}))
        .collect();
    let oct = json!({"kty": "oct", "kid": "known", "alg": "HS256", "k": known.public});
    let text = |keys: Value| Answer::Text(json!({ "keys": keys }).to_string());
    let malformed = [
        (
            "10,000 keys",
            text(many.clone().into()),
            "more than 256 KiB",
        ),
        ("65 keys", text(many[..65].into()), "more than 64 keys"),
        ("an endless answer", Answer::Endless, "more than 256 KiB"),
        (
            "a symmetric key",
            text(json!([oct])),
            "no key that can be used",
        ),
        (
            "two of one name",
            text(json!([known.jwk(), Key::new("known").jwk()])),
            "same kid",
        ),
        ("no keys", text(json!([])), "no key that can be used"),
        ("no JSON", Answer::Text("<html>".to_owned()), "not JSON"),
        ("deep", Answer::Text("[".repeat(100_000)), "not JSON"),
        ("an error", Answer::Status(500), "answer is 500"),
        (
            "a redirect",
            Answer::RedirectTo(format!("http://{}/jwks", elsewhere.address)),
            "answer is 302",
        ),
    ];
    let issuer = Issuer::start(document(&[&known])).await;
    let fresh = Fresh::start(issuer.keys(SOON, NEVER, Duration::ZERO));
    assert_eq!(fresh.takes(&known.token()).await, Ok(()));
    for (what, answer, reason) in malformed {
        issuer.answers(answer);
        until(what, async || fresh.reported().contains(reason)).await;
        assert_eq!(fresh.takes(&known.token()).await, Ok(()), "{what}");
        assert!(
            fresh.verifier.readiness().unwrap().ready,
            "{what}: reported, but no reason to stop"
        );
    }
    assert_eq!(elsewhere.fetches(), 0, "redirects are not followed");
    let each = issuer.sent.load(Ordering::SeqCst);
    assert!(
        each < 100 * 1024 * 1024,
        "an endless answer is left: {each} bytes were sent"
    );
    issuer.answers(document(&[&known]));
    until("it is well again", async || {
        !fresh.reported().contains("detail: Some")
    })
    .await;
}

#[tokio::test]
async fn before_the_first_document_a_token_is_503_and_after_it_is_taken() {
    let key = Key::new("key");
    let issuer = Issuer::start(Answer::Status(503)).await;
    let keys = issuer.keys(SOON, NEVER, NEVER);
    let verifier = Verifier::remote(keys, ISSUER, AUDIENCE, Anonymous::Refused).unwrap();
    let stop = CancellationToken::new();
    TaskTracker::new().spawn(verifier.refresh(stop.clone()).unwrap());
    let app = App::limited(verifier, Limits::default(), true, None).await;
    let whoami = || app.get("/whoami").bearer_auth(key.token()).send();
    let response = whoami().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(problem(response, 503).await["code"], "keys_unavailable");
    let without = app.get("/whoami").send().await.unwrap();
    assert_eq!(without.status(), 401, "no token needs no key");
    issuer.answers(document(&[&key]));
    until("the key set is there", async || {
        whoami().await.unwrap().status() == 200
    })
    .await;
    stop.cancel();
}

/// Redirects and API keys need no key of the set.
#[tokio::test]
async fn a_process_that_had_keys_stays_ready_when_they_count_no_more() {
    let key = Key::new("key");
    let issuer = Issuer::start(document(&[&key])).await;
    let keys = issuer.keys(SOON, NEVER, NEVER);
    let fresh = Fresh::start(RemoteKeys {
        max_stale: Duration::ZERO,
        ..keys
    });
    assert_eq!(fresh.takes(&key.token()).await, Ok(()));
    issuer.answers(Answer::Status(503));
    let token = key.token();
    until("the keys end", async || {
        fresh.takes(&token).await == Err(TokenError::NoKeys)
    })
    .await;
    let readiness = fresh.verifier.readiness().unwrap();
    assert!(readiness.ready, "{readiness:?}");
    let detail = readiness.detail.unwrap();
    assert!(detail.contains("answer is 503"), "{detail}");
    issuer.answers(document(&[&key]));
    until("they are there again", async || {
        fresh.takes(&token).await.is_ok()
    })
    .await;
    let never = Issuer::start(Answer::Status(503)).await;
    let without = Fresh::start(never.keys(SOON, NEVER, NEVER));
    assert_eq!(without.takes(&token).await, Err(TokenError::NoKeys));
    assert!(
        !without.verifier.readiness().unwrap().ready,
        "never had any"
    );
}

#[test]
fn a_url_that_others_could_answer_is_a_problem() {
    let read = |url: &str, profile| {
        let mut env = Env::from_map([("JWT_ALGORITHM", "RS256"), ("JWT_JWKS_URL", url)]);
        let auth = AuthConfig::read(&mut env, profile, Surface::Bff);
        let reported = env.finish().err().map(|error| error.to_string());
        (auth.verifier().is_some(), reported.unwrap_or_default())
    };
    let good = [
        "https://issuer.example/jwks",
        "http://127.0.0.1:9/jwks",
        "http://[::1]:9/jwks",
    ];
    for url in good {
        assert_eq!(
            read(url, Profile::Production),
            (true, String::new()),
            "{url}"
        );
    }
    assert!(read("http://issuer.example/jwks", Profile::Local).0);
    let secret = "https://user:canary@issuer.example/jwks";
    for url in [
        "http://issuer.example/jwks",
        "file:///etc/jwks",
        "jwks",
        secret,
    ] {
        let (made, reported) = read(url, Profile::Production);
        assert!(
            !made && reported.contains("JWT_JWKS_URL"),
            "{url}: {reported}"
        );
        assert!(!reported.contains("canary"));
    }
}

#[test]
fn of_the_ways_to_give_public_keys_exactly_one_is_used() {
    let mut env = Env::from_map([
        ("JWT_ALGORITHM", "RS256"),
        ("JWT_JWKS_URL", "https://issuer.example/jwks"),
        ("JWT_JWKS", "{}"),
    ]);
    let _ = AuthConfig::read(&mut env, Profile::Production, Surface::Bff);
    let error = env.finish().unwrap_err().to_string();
    assert!(error.contains("one of them"), "{error}");
}
