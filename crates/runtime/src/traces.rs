//! Spans of messages, recorded where those of requests are.

use std::sync::Arc;

use chassis::telemetry::{self, KeyValue, Kind, Span, TraceContext};
use messaging::trace::{MessageSpan, Operation, Spans};

/// Records into the process's export.
struct Recorder(&'static telemetry::Spans);

/// Where the pipeline's spans go; `None` while nothing is exported.
pub(crate) fn recorder() -> Option<Arc<dyn Spans>> {
    telemetry::Spans::of_process().map(|spans| Arc::new(Recorder(spans)) as Arc<dyn Spans>)
}

impl Spans for Recorder {
    fn record(&self, span: &MessageSpan<'_>) {
        let parent = span.header.traceparent.as_deref();
        let Some(parent) = parent.and_then(|text| text.parse::<TraceContext>().ok()) else {
            return;
        };
        if !parent.is_sampled() {
            return;
        }
        let at = span
            .span_id
            .map_or_else(|| parent.child(), |id| parent.at(id));
        self.0.record(Span {
            at,
            parent: Some(parent),
            name: name(span),
            kind: match span.operation {
                Operation::Process => Kind::Consumer,
                Operation::Send => Kind::Producer,
            },
            started: span.started,
            ended: span.ended,
            attributes: attributes(span),
            error: None,
        });
    }
}

fn name(span: &MessageSpan<'_>) -> String {
    format!("{} {}", verb(span.operation), span.header.kind)
}

fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Process => "process",
        Operation::Send => "send",
    }
}

/// Names of the semantic conventions for messaging, where they have one.
fn attributes(span: &MessageSpan<'_>) -> Vec<KeyValue> {
    let header = span.header;
    let system = if span.via == "pulsar" {
        "pulsar"
    } else {
        "tributary"
    };
    let mut attributes = vec![
        KeyValue::new("messaging.system", system),
        KeyValue::new("messaging.operation.type", verb(span.operation)),
        KeyValue::new("messaging.destination.name", span.topic),
        KeyValue::new("messaging.message.id", header.id.to_string()),
        KeyValue::new(
            "messaging.batch.message_count",
            i64::try_from(span.together).unwrap_or(i64::MAX),
        ),
        KeyValue::new(
            "tributary.correlation_id",
            header.correlation_id.to_string(),
        ),
        KeyValue::new("tributary.type", header.kind.clone()),
        KeyValue::new("tributary.source", header.source.clone()),
        KeyValue::new("tributary.subject", header.subject.clone()),
        KeyValue::new("tributary.via", span.via.to_owned()),
        KeyValue::new("tributary.result", span.result),
    ];
    if let Some(sequence) = header.sequence {
        attributes.push(KeyValue::new("tributary.sequence", sequence));
    }
    attributes
}
