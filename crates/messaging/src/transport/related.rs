//! `POST /internal/v1/related`: the bff asks what a service knows of a request or an aggregate, for timelines and explanations.
//! `POST /internal/v1/events`: it asks for a part of a stream, for the live feed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use schemas::{Service, Topic};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::related::stream::{self, StreamQuestion};
use crate::related::{self, MAX_NAMED, Question, Related, RelatedMessage};
use crate::schema_ids::SchemaIds;
use crate::transport::internal::InternalKey;
use crate::transport::{Peers, question};

const RELATED: &str = "/internal/v1/related";
const EVENTS: &str = "/internal/v1/events";
const ITS_LOG: &str = "its log";
const MAX_QUESTION_BYTES: usize = 64 * 1024;
/// Questions that are looked into at once; each has a connection of the pool.
const AT_ONCE: usize = 2;
/// Who has no turn by then is answered so.
const TURN_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Clone)]
struct Source {
    pool: PgPool,
    schema_ids: SchemaIds,
    key: InternalKey,
    me: Service,
    free: Arc<Semaphore>,
    /// Streams are read by few, and keep nobody's question waiting.
    reading: Arc<Semaphore>,
}

/// The service's routes.
pub fn router(pool: PgPool, schema_ids: SchemaIds, key: InternalKey, me: Service) -> Router {
    let source = Source {
        pool,
        schema_ids,
        key,
        me,
        free: Arc::new(Semaphore::new(AT_ONCE)),
        reading: Arc::new(Semaphore::new(AT_ONCE)),
    };
    Router::new()
        .route(RELATED, post(answer))
        .route(EVENTS, post(answer_with_events))
        .layer(DefaultBodyLimit::max(MAX_QUESTION_BYTES))
        .with_state(source)
}

async fn answer_with_events(State(at): State<Source>, headers: HeaderMap, body: Bytes) -> Response {
    let question: StreamQuestion = match question::read(&at.key, at.me, &headers, &body) {
        Ok(question) => question,
        Err(refused) => return *refused,
    };
    let topic = Topic::parse(&question.topic);
    let Some(topic) = topic.filter(|topic| Some(*topic) == at.me.events_topic()) else {
        let why = "this service states no such events";
        return (StatusCode::BAD_REQUEST, why).into_response();
    };
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_TIMEOUT, at.reading.acquire()).await else {
        return question::busy();
    };
    let found = stream::read(&at.pool, &at.schema_ids, topic, &question).await;
    question::answer(found, ITS_LOG)
}

async fn answer(State(at): State<Source>, headers: HeaderMap, body: Bytes) -> Response {
    let question: Question = match question::read(&at.key, at.me, &headers, &body) {
        Ok(question) => question,
        Err(refused) => return *refused,
    };
    let named = [
        question.correlation_ids.len(),
        question.subjects.len(),
        question.causation_ids.len(),
    ];
    if named.into_iter().any(|named| named > MAX_NAMED) {
        let why = "so many are not looked for at once";
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN_TIMEOUT, at.free.acquire()).await else {
        return question::busy();
    };
    let found = related::look(&at.pool, &at.schema_ids, &question).await;
    question::answer(found, ITS_LOG)
}

impl Peers {
    /// Asks a service what it knows; an error says why it does not answer, for people.
    pub async fn related(
        &self,
        service: Service,
        question: &Question,
        within: Duration,
    ) -> Result<Related, String> {
        self.ask(service, RELATED, question, within).await
    }

    /// Asks a service for a part of a stream; an error says why it does not answer, for people.
    pub async fn events(
        &self,
        service: Service,
        question: &StreamQuestion,
        within: Duration,
    ) -> Result<Vec<RelatedMessage>, String> {
        self.ask(service, EVENTS, question, within).await
    }
}
