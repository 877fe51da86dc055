//! Kinds as messages, and the schemas of what they carry.

use serde_json::{Map, Value, json};

use super::{CONTENT_TYPE, SCHEMA_FORMAT, named, reference};
use crate::envelope::{Header, Message};
use crate::json::to_json;
use crate::kinds::Kind;
use crate::rejections::rejection_codes;
use crate::service::{Service, Topic};
use crate::show::is_bytes;

/// So many bytes are shown in examples.
const SHOWN_BYTES: usize = 32;
const REJECTED: &str = "command.rejected.v1";

/// A kind of message.
pub(super) fn message(kind: &Kind, sample: Option<&Message>) -> Value {
    let mut message = json!({
        "name": kind.name,
        "title": kind.name,
        "summary": about(kind),
        "description": format!(
            "Key: {}. Subject: {}. Its field of the payload: `{}`.",
            kind.key.name(), kind.subject.name(), kind.field
        ),
        "contentType": CONTENT_TYPE,
        "correlationId": reference("components/correlationIds/request"),
        "headers": {
            "type": "object",
            "allOf": [
                reference(&format!("components/schemas/{}", properties_of(kind.topic))),
                {"properties": {"type": {"const": kind.name}}},
            ],
        },
        "payload": reference(&format!("components/schemas/{}", kind.topic)),
        "tags": [{"name": if kind.command { "command" } else { "event" }}],
        "x-tributary": {
            "key": kind.key.name(),
            "subject": kind.subject.name(),
            "payloadField": kind.field,
            "sentBy": kind.topic.publisher().name(),
            "followedBy": names(kind.followers),
        },
    });
    if kind.command {
        message["x-tributary"]["outcomes"] = json!(kind.outcomes);
    }
    if kind.name == REJECTED {
        let codes = rejection_codes(kind.topic.owner());
        message["x-tributary"]["codes"] =
            named(codes.map(|code| (code.name.to_owned(), code.meaning.into())));
    }
    if let Some(sample) = sample {
        message["examples"] = json!([example(kind, sample)]);
    }
    message
}

pub(super) fn names(services: &[Service]) -> Vec<&'static str> {
    services.iter().map(|service| service.name()).collect()
}

/// What the record of a kind says of itself.
pub(super) fn about(kind: &Kind) -> String {
    let schema = registered(kind.topic);
    let payload = schema["fields"]
        .as_array()
        .and_then(|fields| fields.last()?["type"]["fields"].as_array());
    let mut fields = payload.into_iter().flatten();
    let field = fields.find(|field| field["name"] == kind.field);
    let doc = field.and_then(|field| field["type"][1]["doc"].as_str());
    doc.unwrap_or_default().to_owned()
}

fn registered(topic: Topic) -> Value {
    // The build's own text, which the tests parse.
    serde_json::from_str(topic.avsc()).unwrap_or_default()
}

/// An example as readers of the plain schemas have it: what is null is left out, bytes are text of code points below 256.
/// Long ones are cut.
fn example(kind: &Kind, sample: &Message) -> Value {
    let mut payload = text_for_bytes(to_json(kind.topic, sample));
    if let Some(fields) = payload.as_object_mut().filter(|_| kind.command) {
        fields.remove("outcomeof"); // the samples have every field, but a command is nothing's outcome
    }
    json!({
        "name": kind.field,
        "headers": properties(&sample.header),
        "payload": payload,
    })
}

fn properties(header: &Header) -> Value {
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let properties = [
        ("id", Some(header.id.to_string())),
        ("type", Some(header.kind.clone())),
        ("source", Some(header.source.clone())),
        ("epoch", number(header.epoch)),
        ("sequence", number(header.sequence)),
        ("subject", Some(header.subject.clone())),
        ("correlationid", Some(header.correlation_id.to_string())),
    ];
    let set = properties
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    named(set)
}

fn text_for_bytes(value: Value) -> Value {
    match value {
        Value::Array(items) if is_bytes(&items) => {
            let bytes = items.iter().take(SHOWN_BYTES).filter_map(Value::as_u64);
            bytes
                .filter_map(|byte| Some(char::from(u8::try_from(byte).ok()?)))
                .collect::<String>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(text_for_bytes).collect(),
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, text_for_bytes(value)));
            fields.collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

/// Each topic's schema as it is registered, and the properties that go with it.
pub(super) fn schemas() -> Value {
    let payloads = Topic::ALL.map(|topic| {
        let schema = json!({"schemaFormat": SCHEMA_FORMAT, "schema": registered(topic)});
        (topic.name().to_owned(), schema)
    });
    let properties = [Topic::CampaignCommands, Topic::CampaignEvents]
        .map(|topic| (properties_of(topic).to_owned(), properties_schema(topic)));
    named(payloads.into_iter().chain(properties))
}

fn properties_of(topic: Topic) -> &'static str {
    if topic.is_commands() {
        "command-properties"
    } else {
        "event-properties"
    }
}

/// The message's properties: the parts of the envelope that are needed without reading the payload.
fn properties_schema(topic: Topic) -> Value {
    let position =
        |what: &str| json!({"type": "string", "pattern": "^[1-9][0-9]*$", "description": what});
    let mut required = vec!["id", "type", "source", "subject", "correlationid"];
    let description = if topic.is_commands() {
        "The envelope's own fields, for who does not read it. A producer that is none of the services sets neither epoch nor sequence."
    } else {
        required.extend(["epoch", "sequence"]);
        "The envelope's own fields, for who does not read it."
    };
    let signature = if topic.is_commands() {
        "Who sent it: <key id>.<HMAC-SHA-256 as base64url>. An external producer's is over 'tributary producer message v1', its \
         source and the topic's name, each with a line feed behind it, and the exact Avro bytes. Without one that counts a \
         command is refused."
    } else {
        "For the services among themselves: an event without one that counts had no effect."
    };
    json!({
        "type": "object",
        "description": description,
        "required": required,
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "Of this message. One that was seen is not handled again."},
            "type": {"type": "string", "description": "Kind of this message."},
            "source": {"type": "string", "description": "The service that emitted it, or the name of another producer."},
            "epoch": position("Epoch of the source's log."),
            "sequence": position("Position in this source's stream to this topic partition, contiguous from 1."),
            "subject": {"type": "string", "description": "Id of the aggregate that it is about."},
            "correlationid": {"type": "string", "format": "uuid", "description": "The original request."},
            "signature": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,64}\\.[A-Za-z0-9_-]{43}$",
                "description": signature,
            },
        },
    })
}
