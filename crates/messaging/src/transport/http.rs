//! The HTTP transport: `POST /internal/v1/messages` to a follower, which answers after its commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use schemas::{Service, Topic};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::health::Health;
use crate::mode::{Mode, Modes};
use crate::relay::{Entry, Shipped, Start, Transport, TransportError};
use crate::stream::Watermark;
use crate::transport::Peers;
pub use crate::transport::internal::{InternalKey, TOKEN_NEEDED};
use crate::transport::receiver::{Receiver, Refusal};
use crate::transport::wire::{BatchMessage, BatchSchema, MessageBatch};

/// A full entry, its framing and the schemas.
const MAX_BATCH_BYTES: usize = 1_048_576;
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);
/// Batches that are read and decoded at once: what comes beyond waits unread, and is refused after a while.
const READING: usize = 16;
const READING_PATIENCE: Duration = Duration::from_secs(2);

/// The transport to one follower.
pub struct HttpTransport {
    client: reqwest::Client,
    /// Such as `http://127.0.0.1:8001`.
    base_url: String,
    key: InternalKey,
    sender: Service,
    follower: Service,
    topic: Topic,
    partition: i32,
    modes: Modes,
    health: Health,
    confirmed: HashSet<[u8; 32]>,
}

/// What the follower says.
#[derive(Debug, Serialize, Deserialize)]
struct Stands {
    watermark: i64,
    /// When the message at the watermark was stated, where it is known.
    #[serde(default)]
    time: Option<i64>,
    /// Its own mode.
    mode: Mode,
    /// Whether somebody waits there for what comes of facts.
    #[serde(default)]
    is_waited_for: bool,
    /// Whether something waits there, and nothing but what nobody waits for.
    #[serde(default)]
    waits_for_company: bool,
}

/// How far a follower is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Where it stands in the stream.
    pub watermark: Watermark,
    /// Whether somebody waits there for what comes of facts.
    pub is_waited_for: bool,
    /// Whether something waits there, and nothing but what nobody waits for.
    pub waits_for_company: bool,
}

impl HttpTransport {
    /// A transport that is not open yet.
    pub fn new(
        peers: &Peers,
        follower: Service,
        (topic, partition): (Topic, i32),
        modes: Modes,
        health: Health,
    ) -> Self {
        Self {
            client: peers.client.clone(),
            base_url: peers.url_of(follower).to_owned(),
            key: peers.key.clone(),
            sender: peers.me,
            follower,
            topic,
            partition,
            modes,
            health,
            confirmed: HashSet::new(),
        }
    }

    /// Asks the follower where it stands in this stream.
    pub async fn watermark(&self, epoch: i64) -> Result<Watermark, TransportError> {
        self.progress(epoch).await.map(|it| it.watermark)
    }

    /// The same, and whether somebody waits there.
    pub async fn progress(&self, epoch: i64) -> Result<Progress, TransportError> {
        let request = self
            .client
            .get(format!("{}/internal/v1/watermarks", self.base_url))
            .query(&WatermarkQuery {
                epoch,
                topic: self.topic.name().to_owned(),
                partition: self.partition,
                mode: self.modes.of(self.sender),
            });
        let answer = self.request(request, None).await?;
        let configured = self.modes.of(self.follower);
        self.health
            .compare_mode(self.follower, configured, answer.mode);
        let watermark = Watermark {
            sequence: answer.watermark,
            time: answer.time,
        };
        Ok(Progress {
            watermark,
            is_waited_for: answer.is_waited_for,
            waits_for_company: answer.waits_for_company,
        })
    }

    async fn request(
        &self,
        mut request: reqwest::RequestBuilder,
        body: Option<Vec<u8>>,
    ) -> Result<Stands, TransportError> {
        let failed = |error: reqwest::Error| TransportError::outage(error);
        let token = self.key.sign(self.sender, self.follower, body.as_deref())?;
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request
            .bearer_auth(token)
            .timeout(REQUEST_TIMEOUT)
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            let text = response.text().await.unwrap_or_default();
            let text: String = text.chars().take(300).collect();
            let says = format!("{} answers {status}: {text}", self.follower.name());
            return Err(if status.is_server_error() {
                TransportError::Outage(says)
            } else {
                TransportError::Refused(says)
            });
        }
        response.json().await.map_err(failed)
    }
}

impl Transport for HttpTransport {
    fn name(&self) -> String {
        format!("http:{}", self.follower.name())
    }

    async fn open(&mut self, epoch: i64) -> Result<Start, TransportError> {
        self.watermark(epoch).await.map(Start::After)
    }

    async fn ship(&mut self, entry: &Entry) -> Result<Shipped, TransportError> {
        let fingerprint = *entry.schema.fingerprint();
        let text = (!self.confirmed.contains(&fingerprint)).then(|| entry.schema.text().to_owned());
        let batch = to_batch(entry, text);
        let bytes = batch.encode().map_err(TransportError::Refused)?;
        let request = self
            .client
            .post(format!("{}/internal/v1/messages", self.base_url))
            .header(header::CONTENT_TYPE, "application/avro");
        let watermark = self.request(request, Some(bytes)).await?.watermark;
        self.confirmed.insert(fingerprint);
        Ok(Shipped::Handled(watermark))
    }

    fn close(&mut self) {
        self.confirmed.clear();
    }
}

/// An entry as a batch; `text` is that of its writer schema.
pub(crate) fn to_batch(entry: &Entry, text: Option<String>) -> MessageBatch {
    let sha256 = types::hex(entry.schema.fingerprint());
    MessageBatch {
        source: entry.source.to_owned(),
        epoch: entry.epoch,
        topic: entry.topic.name().to_owned(),
        partition: entry.partition,
        schemas: vec![BatchSchema { sha256, text }],
        messages: entry
            .rows
            .iter()
            .map(|row| BatchMessage {
                sequence: row.sequence.unwrap_or(0),
                subject: row.subject.clone(),
                schema: 0,
                body: row.body.clone(),
            })
            .collect(),
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct WatermarkQuery {
    epoch: i64,
    topic: String,
    partition: i32,
    /// The sender's own mode.
    mode: Mode,
}

#[derive(Clone)]
struct Endpoint {
    receiver: Receiver,
    key: InternalKey,
    me: Service,
    modes: Modes,
    health: Health,
    reading: Arc<Semaphore>,
}

impl Endpoint {
    fn watermark(&self, watermark: i64, time: Option<i64>) -> impl IntoResponse + use<> {
        let mode = self.modes.of(self.me);
        axum::response::Json(Stands {
            watermark,
            time,
            mode,
            is_waited_for: self.receiver.is_waited_for(),
            waits_for_company: self.receiver.waits_for_company(),
        })
    }
}

/// The follower's two routes. Messages are not taken in event mode; where the follower stands is returned in every mode,
/// because what may be dropped from a sender's log depends on it.
pub fn router(
    receiver: Receiver,
    key: InternalKey,
    me: Service,
    modes: Modes,
    health: Health,
) -> Router {
    let mut routes = Router::new();
    if me == Service::Bff || modes.of(me) != Mode::Event {
        routes = routes.route("/internal/v1/messages", post(take_messages));
    }
    routes
        .route("/internal/v1/watermarks", get(watermark))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES))
        .with_state(Endpoint {
            receiver,
            key,
            me,
            modes,
            health,
            reading: Arc::new(Semaphore::new(READING)),
        })
}

/// Reads a batch of whoever signed: nothing of anybody else's body is read, and few bodies at once.
async fn read_batch(at: &Endpoint, request: Request) -> Result<MessageBatch, Response> {
    let refuse = |status: StatusCode, why: String| (status, why).into_response();
    let Some(sender) = at.key.verify(request.headers(), at.me) else {
        return Err(refuse(StatusCode::UNAUTHORIZED, TOKEN_NEEDED.to_owned()));
    };
    let Ok(Ok(_reading)) = timeout(READING_PATIENCE, at.reading.acquire()).await else {
        return Err(busy("too many batches at once"));
    };
    let body = Body::from_request(request, &()).await;
    let body = body.map_err(IntoResponse::into_response)?;
    if !sender.is_with(&body) {
        let why = "the token is of another body".to_owned();
        return Err(refuse(StatusCode::UNAUTHORIZED, why));
    }
    match MessageBatch::decode(&body) {
        Ok(batch) if batch.source == sender.by.name() => Ok(batch),
        Ok(_) => {
            let why = "a batch comes from who signed".to_owned();
            Err(refuse(StatusCode::FORBIDDEN, why))
        }
        Err(reason) => Err(refuse(StatusCode::BAD_REQUEST, reason)),
    }
}

fn busy(why: &'static str) -> Response {
    let retry = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
    (StatusCode::SERVICE_UNAVAILABLE, retry, why).into_response()
}

async fn take_messages(State(at): State<Endpoint>, request: Request) -> Response {
    let batch = match read_batch(&at, request).await {
        Ok(batch) => batch,
        Err(refusal) => return refusal,
    };
    match at.receiver.take(batch).await {
        Ok(watermark) => at.watermark(watermark, None).into_response(),
        Err(Refusal::Gap { watermark }) => {
            (StatusCode::CONFLICT, at.watermark(watermark, None)).into_response()
        }
        Err(Refusal::Halted(reason)) => (StatusCode::CONFLICT, reason).into_response(),
        Err(Refusal::Unreadable(reason)) => (StatusCode::BAD_REQUEST, reason).into_response(),
        Err(Refusal::Busy(reason)) => busy(reason),
    }
}

async fn watermark(
    State(at): State<Endpoint>,
    headers: HeaderMap,
    Query(query): Query<WatermarkQuery>,
) -> Response {
    let Some(sender) = at.key.verify(&headers, at.me) else {
        return (StatusCode::UNAUTHORIZED, TOKEN_NEEDED).into_response();
    };
    let Some(topic) = Topic::parse(&query.topic) else {
        return (StatusCode::BAD_REQUEST, "there is no such topic").into_response();
    };
    let configured = at.modes.of(sender.by);
    at.health.compare_mode(sender.by, configured, query.mode);
    let known = at
        .receiver
        .watermark(sender.by.name(), query.epoch, topic, query.partition)
        .await;
    match known {
        Ok(stands) => at.watermark(stands.sequence, stands.time).into_response(),
        Err(_) => busy("the database does not answer"),
    }
}
