//! `GET /internal/v1/log`: a stream from its beginning, for followers that make their read models again.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::{Service, Topic};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::epoch;
use crate::log::{self, LogRow};
use crate::relay::TransportError;
use crate::schema_ids::SchemaIds;
use crate::transport::Peers;
use crate::transport::http::REQUEST_TIMEOUT;
use crate::transport::internal::{InternalKey, TOKEN_NEEDED};
use crate::transport::wire::{BatchMessage, BatchSchema, MessageBatch};
use types::hex;

/// Rows of one answer at most, and bytes of their bodies, unless the first alone is longer.
const MAX_ROWS: i64 = 500;
const MAX_BYTES: usize = 1_048_576;
/// The position of each message in the sender's log, separated by commas.
const POSITIONS: &str = "x-log-positions";

/// Which part of a log.
#[derive(Debug, Serialize, Deserialize)]
pub struct HistoryQuery {
    /// Of the service that is asked.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// A position.
    pub after: i64,
}

#[derive(Clone)]
struct Source {
    pool: PgPool,
    schema_ids: SchemaIds,
    key: InternalKey,
    me: Service,
}

/// The sender's route.
pub fn router(pool: PgPool, schema_ids: SchemaIds, key: InternalKey, me: Service) -> Router {
    let source = Source {
        pool,
        schema_ids,
        key,
        me,
    };
    Router::new()
        .route("/internal/v1/log", get(part))
        .with_state(source)
}

async fn part(
    State(at): State<Source>,
    headers: HeaderMap,
    Query(query): Query<HistoryQuery>,
) -> Response {
    let Some(sent) = at.key.verify(&headers, at.me) else {
        return (StatusCode::UNAUTHORIZED, TOKEN_NEEDED).into_response();
    };
    let topic = Topic::parse(&query.topic).filter(|topic| topic.followers().contains(&sent.by));
    let Some(topic) = topic else {
        return (
            StatusCode::FORBIDDEN,
            "this service does not follow that topic",
        )
            .into_response();
    };
    match batch(&at, topic, &query).await {
        Ok((bytes, positions)) => ([(POSITIONS, positions)], bytes).into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}

async fn batch(
    at: &Source,
    topic: Topic,
    query: &HistoryQuery,
) -> Result<(Vec<u8>, String), String> {
    // Before the rows: all of an epoch that is over by then is among them.
    let epochs = epoch::all(&at.pool).await.map_err(|it| it.to_string())?;
    let rows = log::stream_after(&at.pool, topic, query.partition, query.after, MAX_ROWS)
        .await
        .map_err(|error| error.to_string())?;
    let (mut bytes, mut schemas, mut messages) = (0, Vec::new(), Vec::new());
    let mut positions: Vec<String> = Vec::new();
    let mut index_of: HashMap<i32, i32> = HashMap::new();
    for LogRow {
        position,
        sequence,
        subject,
        schema_id,
        body,
        ..
    } in rows
    {
        bytes += body.len();
        if bytes > MAX_BYTES && !messages.is_empty() {
            break;
        }
        let schema = if let Some(index) = index_of.get(&schema_id) {
            *index
        } else {
            let schema = at
                .schema_ids
                .get(&at.pool, schema_id)
                .await
                .map_err(|error| error.to_string())?;
            let index = i32::try_from(schemas.len()).unwrap_or(i32::MAX);
            schemas.push(BatchSchema {
                sha256: hex(schema.fingerprint()),
                text: Some(schema.text().to_owned()),
            });
            index_of.insert(schema_id, index);
            index
        };
        positions.push(position.to_string());
        messages.push(BatchMessage {
            sequence: sequence.unwrap_or(0),
            subject,
            schema,
            body,
        });
    }
    let batch = MessageBatch {
        source: at.me.name().to_owned(),
        epoch: epoch::newest(&epochs),
        topic: topic.name().to_owned(),
        partition: query.partition,
        schemas,
        messages,
    };
    Ok((batch.encode()?, positions.join(",")))
}

/// Reads a part of another service's log within a time, with the position of each message. The epoch is the log's newest; 0 from builds of
/// before.
pub async fn read(
    peers: &Peers,
    owner: Service,
    query: &HistoryQuery,
    within: Duration,
) -> Result<(MessageBatch, Vec<i64>), TransportError> {
    let failed = |error: reqwest::Error| TransportError::outage(error);
    let response = peers
        .client
        .get(format!("{}/internal/v1/log", peers.url_of(owner)))
        .query(query)
        .bearer_auth(peers.key.sign(peers.me, owner, None)?)
        .timeout(within.min(REQUEST_TIMEOUT))
        .send()
        .await
        .map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        let text: String = response
            .text()
            .await
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        let says = format!("it answers {status}: {text}");
        return Err(if status.is_server_error() {
            TransportError::Outage(says)
        } else {
            TransportError::Refused(says)
        });
    }
    let positions = response.headers().get(POSITIONS);
    let positions = positions
        .and_then(|positions| positions.to_str().ok())
        .unwrap_or_default();
    let positions = positions
        .split(',')
        .filter_map(|position| position.parse().ok())
        .collect();
    let bytes = response.bytes().await.map_err(failed)?;
    let batch = MessageBatch::decode(&bytes).map_err(TransportError::Refused)?;
    Ok((batch, positions))
}
