//! A receiver of webhooks on this machine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use runtime::testing::until;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Received {
    /// Whether a receiver with this secret takes it.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.unwrap());
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.text);
        self.signature.split(' ').any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap());
            hmac::verify(&key, signed.as_bytes(), &tag.unwrap()).is_ok()
        })
    }

    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    pub(crate) fn subject(&self) -> &str {
        self.body["subject"].as_str().unwrap()
    }
}

struct Shared {
    received: Mutex<Vec<Received>>,
    /// What it answers, by subject or `*`; else 200.
    answers: Mutex<HashMap<String, u16>>,
    open: Semaphore,
}

/// A receiver; it ends with the test.
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Receiver {
    /// One that takes everything.
    pub(crate) async fn start() -> Self {
        Self::begin(Semaphore::MAX_PERMITS).await
    }

    /// One that answers nothing.
    pub(crate) async fn hanging() -> Self {
        Self::begin(0).await
    }

    async fn begin(permits: usize) -> Self {
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            answers: Mutex::default(),
            open: Semaphore::new(permits),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let of_handler = Arc::clone(&shared);
        let handler =
            move |headers: HeaderMap, body: String| receive(Arc::clone(&of_handler), headers, body);
        let router = Router::new().fallback(handler);
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, router).into_future());
        Self {
            url,
            shared,
            _server: server,
        }
    }

    /// From now on it answers so to what is about this subject, or to all (`*`).
    pub(crate) fn answer(&self, subject: &str, status: u16) {
        let mut answers = self.shared.answers.lock().unwrap();
        answers.insert(subject.to_owned(), status);
    }

    /// From now on it answers, and what hangs is answered.
    pub(crate) fn release(&self) {
        self.shared.open.add_permits(1_000);
    }

    /// What it was sent up to now.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// What it was sent, once it was sent so much.
    pub(crate) async fn until(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} webhooks"), || async {
            self.received().len() >= count
        })
        .await;
        self.received()
    }
}

/// A tracker: what it is requested for, and by which method; it takes everything.
pub(crate) struct Tracker {
    pub(crate) url: String,
    requested: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Tracker {
    pub(crate) async fn start() -> Self {
        let requested = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&requested);
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
            let is_bare = body.is_empty() && !headers.contains_key("webhook-signature");
            let bare = if is_bare { "" } else { " with more" };
            all.lock().unwrap().push(format!("{method} {uri}{bare}"));
            async { StatusCode::OK }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, Router::new().fallback(handler)).into_future());
        Self {
            url,
            requested,
            _server: server,
        }
    }

    /// What it was requested for, once it was requested so often.
    pub(crate) async fn until(&self, count: usize) -> Vec<String> {
        until(&format!("{count} postbacks"), || async {
            self.requested.lock().unwrap().len() >= count
        })
        .await;
        self.requested.lock().unwrap().clone()
    }
}

async fn receive(shared: Arc<Shared>, headers: HeaderMap, text: String) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_str(&text).unwrap();
    let received = Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        text,
        body,
    };
    let subject = received.subject().to_owned();
    shared.received.lock().unwrap().push(received);
    let _through = shared.open.acquire().await.unwrap();
    let answers = shared.answers.lock().unwrap();
    let status = answers.get(&subject).or_else(|| answers.get("*"));
    let status = StatusCode::from_u16(status.copied().unwrap_or(200)).unwrap();
    (status, "as you like it").into_response()
}
