//! A stand-in of Twilio's Messages that answers as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const KEY: &str = "SK0123456789abcdef0123456789abcdef";
const SECRET: &str = "the key's own secret";
pub(crate) const FROM: &str = "+15005550006";

/// What it makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Says {
    /// It takes it.
    #[default]
    Take,
    /// It takes it, and never answers.
    Hang,
    /// It takes none: this status, and this code of its list.
    Refuse(u16, i32),
}

#[derive(Debug, Default)]
struct Inner {
    says: Says,
    given: Vec<BTreeMap<String, String>>,
    taken: Vec<BTreeMap<String, String>>,
}

/// It ends with the test.
pub(crate) struct TwilioStandIn {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
    server: JoinHandle<()>,
}

impl Drop for TwilioStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TwilioStandIn {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a server of a test")]
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner, server }
    }

    /// How notify is set to send by it.
    pub(crate) fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("TEXT_URL", self.url.clone()),
            ("TEXT_ACCOUNT", ACCOUNT.to_owned()),
            ("TEXT_USERNAME", KEY.to_owned()),
            ("TEXT_PASSWORD", SECRET.to_owned()),
            ("TEXT_FROM", FROM.to_owned()),
            ("TEXT_TIMEOUT_MS", "3000".to_owned()),
        ]
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has it answer so from now on.
    pub(crate) fn says(&self, what: Says) {
        self.with(|inner| inner.says = what);
    }

    /// All texts that it was given, taken or not.
    pub(crate) fn given(&self) -> Vec<BTreeMap<String, String>> {
        self.with(|inner| inner.given.clone())
    }

    /// Those that it took, whether or not it said so.
    pub(crate) fn taken(&self) -> Vec<BTreeMap<String, String>> {
        self.with(|inner| inner.taken.clone())
    }
}

/// As Twilio refuses: what it says names the number.
fn refusal(status: u16, code: i32, to: &str) -> Response {
    let body = json!({"code": code, "message": format!("The number {to} is none"), "status": status,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}")});
    let status = StatusCode::from_u16(status).unwrap();
    (status, axum::Json(body)).into_response()
}

async fn answer(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    if method != Method::POST || uri.path() != path {
        return refusal(404, 20404, "");
    }
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:{SECRET}")));
    if text(header::AUTHORIZATION) != Some(&basic) {
        return refusal(401, 20003, "");
    }
    if text(header::CONTENT_TYPE) != Some("application/x-www-form-urlencoded") {
        return refusal(400, 21602, "");
    }
    let form = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let form: BTreeMap<String, String> = form.query_pairs().into_owned().collect();
    let to = form.get("To").cloned().unwrap_or_default();
    let is_from = form.get("From").is_some_and(|it| it == FROM);
    if !is_from || form.get("Body").is_none_or(String::is_empty) {
        return refusal(400, 21603, &to);
    }
    let (says, number) = {
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.given.push(form.clone());
        if !matches!(inner.says, Says::Refuse(..)) {
            inner.taken.push(form.clone());
        }
        (inner.says, inner.taken.len())
    };
    let made: Value =
        json!({"sid": format!("SM{number:032}"), "status": "queued", "to": to, "error_code": null});
    match says {
        Says::Take => (StatusCode::CREATED, axum::Json(made)).into_response(),
        Says::Hang => std::future::pending().await,
        Says::Refuse(status, code) => refusal(status, code, &to),
    }
}
