//! One trace from the bff's request through Pulsar and every service to the ledger, and logs that are found by it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::StatusCode;
use schemas::Service;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::collector::{Collector, KEY, Seen};
use crate::traffic::PATIENCE;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Service, what it did, to which kind of message, and the kind of span.
const TRANSPORT: &[(&str, &str, SpanKind)] = &[
    ("bff", "POST /api/v1/tracking/events", SpanKind::Server),
    (
        "bff",
        "send tracking.record_event.command.v1",
        SpanKind::Producer,
    ),
    (
        "tracking",
        "process tracking.record_event.command.v1",
        SpanKind::Consumer,
    ),
    (
        "tracking",
        "send conversion.attributed.v1",
        SpanKind::Producer,
    ),
    (
        "commission",
        "process conversion.attributed.v1",
        SpanKind::Consumer,
    ),
    (
        "commission",
        "send commission.calculated.v1",
        SpanKind::Producer,
    ),
    (
        "payment",
        "process commission.calculated.v1",
        SpanKind::Consumer,
    ),
    ("payment", "send ledger.posted.v1", SpanKind::Producer),
    ("bff", "process ledger.posted.v1", SpanKind::Consumer),
];

#[tokio::test]
async fn a_purchase_is_one_trace_from_the_bffs_request_through_every_service_to_the_ledger() {
    let collector = Collector::start().await;
    let mut stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    let settings = stack.settings_mut();
    settings.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
    settings.set("OTEL_EXPORTER_OTLP_HEADERS", format!("x-api-key={KEY}"));
    stack.start_again().await.unwrap();
    stack.load_demo().await.unwrap();

    let correlation = Uuid::now_v7();
    buy(&stack, &format!("00-{TRACE}-{CALLER}-01"), correlation).await;
    let spans = until_whole(&collector).await;

    let by_id: HashMap<&str, &Seen> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    assert_eq!(by_id.len(), spans.len(), "each span has an id of its own");
    for span in &spans {
        assert!(span.ended >= span.started, "{span:?}");
        let known = by_id.contains_key(span.parent.as_str());
        assert_eq!(known, span.parent != CALLER, "has a parent: {span:?}");
        let correlated = &span.attributes["tributary.correlation_id"];
        assert_eq!(*correlated, correlation.to_string());
    }
    let find = |name: &str, service: &str| {
        let found = spans
            .iter()
            .find(|span| span.name == name && span.service == service);
        found.unwrap()
    };
    // From the ledger back to the request, by nothing but parents.
    let mut at = find("process ledger.posted.v1", "bff");
    let mut passed = vec![at.service.as_str()];
    while let Some(parent) = by_id.get(at.parent.as_str()) {
        at = parent;
        passed.push(&at.service);
    }
    assert_eq!(passed, ["bff", "payment", "commission", "tracking", "bff"]);
    assert_eq!(at.name, "POST /api/v1/tracking/events");
    assert_eq!(at.attributes["http.response.status_code"], "202");
    let sent = find("send conversion.attributed.v1", "tracking");
    assert_eq!(sent.attributes["messaging.system"], "pulsar");
    assert_eq!(
        sent.attributes["messaging.destination.name"],
        "tracking-events"
    );

    // A link of a campaign that nobody knows waits, which tracking logs.
    let waits = "2af7651916cd43dd8448eb211c80319c";
    let of_waiting = Uuid::now_v7();
    let body = json!({"campaign_id": "unknown", "target_url": "https://example.com/"});
    let partner = stack.token(&[]).unwrap();
    let traceparent = format!("00-{waits}-{CALLER}-01");
    ask(&stack, &partner, "links", body, (&traceparent, of_waiting)).await;
    let line = until_logged(&stack, "tracking", waits).await;
    assert_eq!(line["correlation_id"], of_waiting.to_string(), "{line}");
    assert_eq!(line["message"], "a message goes to the retry queue");

    // A caller that does not want its trace recorded is heard.
    let unsampled = "0af7651916cd43dd8448eb211c80319c";
    let quiet = Uuid::now_v7();
    buy(&stack, &format!("00-{unsampled}-{CALLER}-00"), quiet).await;
    let loud = "1af7651916cd43dd8448eb211c80319c";
    buy(&stack, &format!("00-{loud}-{CALLER}-01"), Uuid::now_v7()).await;
    let end = Instant::now() + PATIENCE;
    while collector.of_trace(loud).len() < TRANSPORT.len() {
        assert!(Instant::now() < end, "the next trace came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(collector.of_trace(unsampled).is_empty());
}

/// A purchase of `user123`.
async fn buy(stack: &LocalStack, traceparent: &str, correlation: Uuid) {
    let body =
        json!({"user_id": "user123", "event_type": "purchase", "amount": 10.0, "currency": "USD"});
    let shop = stack.token(&["--brand", "brand123"]).unwrap();
    let at = (traceparent, correlation);
    ask(stack, &shop, "tracking/events", body, at).await;
}

async fn ask(
    stack: &LocalStack,
    token: &str,
    path: &str,
    body: Value,
    (traceparent, correlation): (&str, Uuid),
) {
    let url = format!("{}/api/v1/{path}", stack.url(Service::Bff).unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(url)
        .bearer_auth(token)
        .header("traceparent", traceparent)
        .header("x-correlation-id", correlation.to_string())
        .json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(
        answer.headers()["traceparent"]
            .to_str()
            .unwrap()
            .contains(&traceparent[..35])
    );
}

async fn until_whole(collector: &Collector) -> Vec<Seen> {
    let end = Instant::now() + PATIENCE;
    loop {
        let spans = collector.of_trace(TRACE);
        let missing: Vec<_> = TRANSPORT
            .iter()
            .filter(|(service, name, kind)| {
                !spans.iter().any(|span| {
                    span.service == *service && span.name == *name && span.kind == *kind
                })
            })
            .collect();
        if missing.is_empty() {
            return spans;
        }
        assert!(Instant::now() < end, "missing {missing:?} of {spans:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A line of a service's log that belongs to the trace.
async fn until_logged(stack: &LocalStack, service: &str, trace: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(stack.layout().log(service)).unwrap();
        let mut lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.find(|line| line["trace_id"] == trace) {
            return line;
        }
        assert!(Instant::now() < end, "{service} logs a line of the trace");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
