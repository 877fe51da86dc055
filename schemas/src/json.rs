//! Messages as people read them: in golden samples, logs and tools. Never the way to another service.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::envelope::Message;
use crate::service::Topic;

/// A message under its names on the wire. What is null is left out, so that an addition changes no older sample.
pub fn to_json(topic: Topic, message: &Message) -> Value {
    let header = &message.header;
    let field = message
        .body
        .kind(topic)
        .map_or("unknown", |kind| kind.field);
    without_nulls(json!({
        "id": header.id,
        "type": header.kind,
        "source": header.source,
        "subject": header.subject,
        "key": header.key,
        "time": header.time,
        "epoch": header.epoch,
        "sequence": header.sequence,
        "correlationid": header.correlation_id,
        "causationid": header.causation_id,
        "outcomeof": header.outcome_of,
        "actor": header.actor,
        "traceparent": header.traceparent,
        "payload": { field: value(&message.body) },
    }))
}

pub(crate) fn value(body: &impl Serialize) -> Value {
    // Structs of text, numbers and lists: nothing in them that JSON lacks.
    serde_json::to_value(body).unwrap_or_default()
}

pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
