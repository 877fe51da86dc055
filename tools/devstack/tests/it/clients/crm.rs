//! A CRM that keeps contacts in memory, speaks both interfaces, and fails as a test wants it to. Notify's own tests use this file too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "the CRM's own";

#[derive(Debug, Default)]
struct Inner {
    /// What it has, by the id that the caller gave.
    contacts: BTreeMap<String, Value>,
    /// `HubSpot`'s own ids of those that it has, and of those that it keeps although they were removed.
    ids: BTreeMap<String, String>,
    archived: BTreeMap<String, String>,
    /// How many it has had.
    made: usize,
    /// Those that it was told to forget.
    forgotten: Vec<String>,
    /// What it was asked, as method and path.
    requests: Vec<String>,
    /// What it answers in place of doing anything to whoever sends this method.
    fails: BTreeMap<String, u16>,
    /// What it answers although it did what it was asked.
    misreports: BTreeMap<String, u16>,
    /// Whether it keeps whoever asks waiting, and does nothing meanwhile.
    held: watch::Sender<bool>,
}

/// The stand-in.
pub(crate) struct CrmStandIn {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
    server: JoinHandle<()>,
}

impl Drop for CrmStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl CrmStandIn {
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

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut lock(&self.inner))
    }

    /// From now on it answers so where it is sent this method.
    pub(crate) fn fail(&self, method: &str, status: u16) {
        self.with(|inner| inner.fails.insert(method.to_owned(), status));
    }

    /// From now on it does what it is sent by this method, and answers so.
    pub(crate) fn misreport(&self, method: &str, status: u16) {
        self.with(|inner| inner.misreports.insert(method.to_owned(), status));
    }

    /// From now on it keeps whoever asks waiting, or does no longer.
    pub(crate) fn hold(&self, held: bool) {
        self.with(|inner| inner.held.send_replace(held));
    }

    /// It does again what it is asked.
    pub(crate) fn mend(&self) {
        self.with(|inner| {
            inner.fails.clear();
            inner.misreports.clear();
        });
    }

    pub(crate) fn contact(&self, id: &str) -> Option<Value> {
        self.with(|inner| inner.contacts.get(id).cloned())
    }

    pub(crate) fn forgotten(&self) -> Vec<String> {
        self.with(|inner| inner.forgotten.clone())
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.with(|inner| inner.requests.clone())
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let request = format!("{} {path}", parts.method);
    lock(&inner).requests.push(request);
    let mut held = lock(&inner).held.subscribe();
    held.wait_for(|held| !held).await.unwrap();
    let mut inner = lock(&inner);
    let token = parts.headers.get("authorization");
    if token.and_then(|it| it.to_str().ok()) != Some(&format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(status) = inner.fails.get(parts.method.as_str()) {
        return StatusCode::from_u16(*status).unwrap().into_response();
    }
    let query = parts.uri.query().unwrap_or_default();
    let found = match path.strip_prefix("/crm/v3/") {
        Some(rest) => hubspot(&mut inner, &parts.method, rest, query, &body),
        None => plain(&mut inner, &parts.method, &path, query, &body),
    };
    let (status, answer) = found.unwrap_or((StatusCode::NOT_FOUND, Value::Null));
    let misreported = inner.misreports.get(parts.method.as_str());
    let status = misreported.map_or(status, |it| StatusCode::from_u16(*it).unwrap());
    (status, answer.to_string()).into_response()
}

fn plain(
    inner: &mut Inner,
    method: &Method,
    path: &str,
    query: &str,
    body: &Bytes,
) -> Option<(StatusCode, Value)> {
    let id = path.strip_prefix("/contacts/")?.to_owned();
    if *method == Method::PUT {
        let contact = serde_json::from_slice(body).unwrap();
        inner.contacts.insert(id, contact);
        return Some((StatusCode::OK, Value::Null));
    }
    inner.contacts.remove(&id)?;
    if query == "erase=true" {
        inner.forgotten.push(id);
    }
    Some((StatusCode::NO_CONTENT, Value::Null))
}

/// As `HubSpot` documents it: contacts have ids of its own, are found by a property that is unique, and stay in a recycling bin where they
/// are removed and not forgotten.
fn hubspot(
    inner: &mut Inner,
    method: &Method,
    rest: &str,
    query: &str,
    body: &Bytes,
) -> Option<(StatusCode, Value)> {
    if rest == "owners" {
        let known = query.contains("mia%40example.com");
        let owners: Vec<Value> = known.then(|| json!({"id": "77"})).into_iter().collect();
        return Some((StatusCode::OK, json!({"results": owners})));
    }
    let by_property = query.contains("idProperty=tributary_partner_id");
    let id = rest
        .strip_prefix("objects/contacts")?
        .trim_start_matches('/');
    let read = || serde_json::from_slice::<Value>(body).unwrap();
    match (method.as_str(), id) {
        ("POST", "") => {
            let properties = read()["properties"].take();
            let partner = properties["tributary_partner_id"].as_str()?.to_owned();
            inner.made += 1;
            let id = format!("hs-{}", inner.made);
            inner.ids.insert(partner.clone(), id.clone());
            inner.contacts.insert(partner, properties);
            Some((StatusCode::CREATED, json!({"id": id})))
        }
        ("POST", "gdpr-delete") => {
            let id = read()["objectId"].as_str()?.to_owned();
            let partner = inner.archived.remove(&id);
            let partner = partner.or_else(|| leave(inner, &id))?;
            inner.forgotten.push(partner);
            Some((StatusCode::NO_CONTENT, Value::Null))
        }
        ("PATCH", id) if by_property => {
            // What is not stated stays; what is stated as empty is cleared.
            let contact = inner.contacts.get_mut(id)?.as_object_mut()?;
            contact.extend(read()["properties"].as_object()?.clone());
            Some((StatusCode::OK, json!({"id": inner.ids.get(id)?})))
        }
        ("GET", partner) if by_property && query.contains("archived=true") => {
            let mut archived = inner.archived.iter();
            let (id, _) = archived.find(|(_, of)| *of == partner)?;
            Some((StatusCode::OK, json!({"id": id, "archived": true})))
        }
        ("GET", partner) if by_property => {
            Some((StatusCode::OK, json!({"id": inner.ids.get(partner)?})))
        }
        ("DELETE", id) => {
            let partner = leave(inner, id)?;
            inner.archived.insert(id.to_owned(), partner);
            Some((StatusCode::NO_CONTENT, Value::Null))
        }
        _ => None,
    }
}

/// The contact of this id of `HubSpot`'s is none of those that it has any more. Returns whose it was.
fn leave(inner: &mut Inner, id: &str) -> Option<String> {
    let mut ids = inner.ids.iter();
    let partner = ids.find(|(_, of)| *of == id)?.0.clone();
    inner.ids.remove(&partner);
    inner.contacts.remove(&partner);
    Some(partner)
}
