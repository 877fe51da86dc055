//! A collector of traces that keeps what it gets.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::task::JoinHandle;

/// A span as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub service: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub kind: SpanKind,
    pub started: u64,
    pub ended: u64,
    pub attributes: HashMap<String, String>,
}

/// Takes what is exported to it, as long as it asks for the right key.
pub struct Collector {
    pub endpoint: String,
    kept: Kept,
    serving: JoinHandle<()>,
}

type Kept = Arc<Mutex<Vec<Seen>>>;

impl Collector {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let kept = Kept::default();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&kept));
        #[allow(clippy::disallowed_methods, reason = "it ends with the test")]
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            endpoint,
            kept,
            serving,
        }
    }

    pub fn of_trace(&self, trace: &str) -> Vec<Seen> {
        let kept = self.kept.lock().unwrap();
        kept.iter()
            .filter(|span| span.trace == trace)
            .cloned()
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What the stack is told to send with its exports.
pub const KEY: &str = "let me in";

async fn take(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if headers["content-type"] != "application/x-protobuf" || headers["x-api-key"] != KEY {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut kept = kept.lock().unwrap();
    for of_resource in request.resource_spans {
        let resource = texts(&of_resource.resource.unwrap_or_default().attributes);
        for span in of_resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            kept.push(Seen {
                service: resource["service.name"].clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind(),
                name: span.name,
                started: span.start_time_unix_nano,
                ended: span.end_time_unix_nano,
                attributes: texts(&span.attributes),
            });
        }
    }
    StatusCode::OK
}

fn texts(attributes: &[KeyValue]) -> HashMap<String, String> {
    let text = |attribute: &KeyValue| {
        let text = match attribute.value.as_ref()?.value.as_ref()? {
            any_value::Value::StringValue(text) => text.clone(),
            any_value::Value::IntValue(number) => number.to_string(),
            _ => return None,
        };
        Some((attribute.key.clone(), text))
    };
    attributes.iter().filter_map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    let number = bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:0width$x}", width = bytes.len() * 2)
}
