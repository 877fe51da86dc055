//! Avro: messages, the schemas that strangers wrote them with, batches between services.

use std::sync::{Arc, LazyLock};

use messaging::transport::http::InternalKey;
use messaging::transport::wire::MessageBatch;
use messaging::trust::{Sender, Trust, Vouching};
use messaging::{Content, Hint, Inbound, Wire};
use schemas::signature::{MacKey, Producers, Signed};
use schemas::{MAX_MESSAGE_BYTES, Service, Topic, WriterSchema, decode, decode_header, encode};
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

/// By topic: this build's schema, that of a later build with one more kind, that of an earlier one with one kind less.
static WRITERS: LazyLock<Vec<Arc<WriterSchema>>> = LazyLock::new(|| {
    let own = Topic::ALL.map(WriterSchema::current);
    let later = Topic::ALL.map(|topic| edited(topic, |fields| fields.push(later_kind())));
    let earlier = Topic::ALL.map(|topic| {
        edited(topic, |fields| {
            fields.pop();
        })
    });
    own.into_iter().chain(later).chain(earlier).collect()
});

/// A topic's schema with another payload.
fn edited(topic: Topic, edit: impl FnOnce(&mut Vec<Value>)) -> Arc<WriterSchema> {
    let mut schema: Value = serde_json::from_str(topic.avsc()).expect("a schema is JSON");
    let fields = schema["fields"].as_array_mut().expect("a record");
    let payload = fields.last_mut().expect("a payload");
    edit(
        payload["type"]["fields"]
            .as_array_mut()
            .expect("a record of kinds"),
    );
    WriterSchema::parse(topic, &schema.to_string()).expect("a schema of the same line")
}

fn later_kind() -> Value {
    let record = json!({"type": "record", "name": "LaterKindV1", "fields": [
        {"name": "text", "type": "string"}, {"name": "numbers", "type": {"type": "array", "items": "long"}},
        {"name": "by_name", "type": {"type": "map", "values": "bytes"}}]});
    json!({"name": "later_kind_v1", "type": ["null", record], "default": null})
}

/// A message: the first byte chooses the topic and who wrote it. What is read is no longer than what came, writes
/// again, and stays itself.
pub fn envelope(bytes: &[u8]) -> bool {
    let Some((choice, datum)) = bytes.split_first() else {
        return false;
    };
    let schema = &WRITERS[usize::from(*choice) % WRITERS.len()];
    let header = decode_header(schema, datum);
    let Ok(message) = decode(schema, datum) else {
        return false;
    };
    assert!(datum.len() <= MAX_MESSAGE_BYTES);
    assert_eq!(
        header.as_ref(),
        Ok(&message.header),
        "the two readers disagree"
    );
    let topic = schema.topic();
    let again =
        encode(topic, &message.header, &message.body).expect("what was read can be written");
    let read = decode(&WriterSchema::current(topic), &again);
    assert_eq!(read.as_ref(), Ok(&message), "it does not stay itself");
    true
}

/// A stranger's schema and a datum written with it: the first byte chooses the topic, a zero byte ends the schema.
pub fn writer_schema(bytes: &[u8]) -> bool {
    let Some((choice, rest)) = bytes.split_first() else {
        return false;
    };
    let topic = Topic::ALL[usize::from(*choice) % Topic::ALL.len()];
    let end = rest
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(rest.len());
    let (text, datum) = rest.split_at(end);
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    match WriterSchema::parse(topic, text) {
        Ok(schema) => {
            let datum = datum.get(1..).unwrap_or_default();
            let _ = decode_header(&schema, datum);
            let _ = decode(&schema, datum);
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 1_000, "{error}");
            false
        }
    }
}

/// What `/internal/v1/messages` takes: what is read writes again, and each message in it can be read or parked.
pub fn batch(bytes: &[u8]) -> bool {
    let Ok(batch) = MessageBatch::decode(bytes) else {
        return false;
    };
    let again = batch.encode().expect("what was read can be written");
    assert_eq!(MessageBatch::decode(&again).as_ref(), Ok(&batch));
    let Some(topic) = Topic::parse(&batch.topic) else {
        return true;
    };
    for message in batch.messages.iter().take(8) {
        let wire = Wire {
            schema: WriterSchema::current(topic),
            bytes: message.body.clone().into(),
        };
        let hint = Hint {
            source: Some(&batch.source),
            epoch: Some(batch.epoch),
            sequence: Some(message.sequence),
            subject: Some(&message.subject),
            ..Hint::default()
        };
        let sender = Sender::Service(topic.publisher());
        let vouching = Vouching::Transport(&sender);
        let _ = Inbound::read(topic, batch.partition, wire, Uuid::nil, &hint, vouching);
    }
    true
}

/// The producer whose key counts in [`signed`].
pub const PRODUCER: &str = "acme-shop";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let key = InternalKey::new(SecretString::from(
        "a key between services, of 32 bytes and more",
    ));
    let producers = format!("{PRODUCER}:brand1:k1:{SECRET}");
    Trust::new(&key, Producers::parse(&producers).expect("one producer"))
});

/// An entry of the broker's: the first byte chooses the topic, the second who signs it (nobody, the producer, the service
/// that it names); five texts with a zero byte behind each are its properties, the rest is its datum.
pub fn signed(bytes: &[u8]) -> bool {
    let [topic, signer, rest @ ..] = bytes else {
        return false;
    };
    let topic = Topic::ALL[usize::from(*topic) % Topic::ALL.len()];
    let mut parts = rest.splitn(6, |byte| *byte == 0);
    let mut text = || {
        let part = parts.next().filter(|part| !part.is_empty())?;
        std::str::from_utf8(part).ok()
    };
    let mut hint = Hint {
        signature: text(),
        source: text(),
        id: text().and_then(|text| text.parse().ok()),
        correlation_id: text().and_then(|text| text.parse().ok()),
        kind: text(),
        ..Hint::default()
    };
    let datum = parts.next().unwrap_or_default();
    let schema = WriterSchema::current(topic);
    let header = decode_header(&schema, datum).ok();
    let made = match signer % 3 {
        1 => {
            let key = MacKey::new(SECRET.as_bytes());
            Some(key.sign_as_producer("k1", PRODUCER, topic, datum))
        }
        2 => {
            let place = header.as_ref().and_then(|header| {
                let source = Service::parse(&header.source)?;
                Some((source, header.epoch?, header.sequence?))
            });
            let sign = |(source, epoch, sequence)| {
                TRUST.sign(&Signed {
                    source,
                    topic,
                    partition: 0,
                    epoch,
                    sequence,
                    layout: schema.layout(),
                    bytes: datum,
                })
            };
            place.map(sign)
        }
        _ => None,
    };
    hint.signature = made.as_deref().or(hint.signature);
    let wire = Wire {
        schema,
        bytes: datum.to_vec().into(),
    };
    let vouching = Vouching::Signature(&TRUST);
    let inbound = Inbound::read(topic, 0, wire, Uuid::nil, &hint, vouching);
    let is_service = matches!(inbound.sender, Sender::Service(_));
    assert!(
        is_service || inbound.stream.is_none(),
        "a stranger's stream"
    );
    if let (Some(header), false) = (&header, is_service) {
        let taken = matches!(inbound.sender, Sender::Producer(_))
            && matches!(
                inbound.content,
                Content::Message(_) | Content::UnknownKind(_) | Content::Unreadable { .. }
            );
        let random = matches!(header.id.get_version_num(), 4 | 7);
        assert_eq!(
            taken && random,
            inbound.id == header.id,
            "an id that may be another's"
        );
    }
    matches!(inbound.sender, Sender::Service(_) | Sender::Producer(_))
}
