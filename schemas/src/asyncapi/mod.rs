//! The messages as an `AsyncAPI` 3.0 document, made from the table of kinds and the registered schemas, and as a page.

mod channels;
mod messages;
mod operations;
mod page;

use serde_json::{Map, Value, json};

use crate::envelope::Message;
use crate::kinds::{KINDS, Kind, Reach};
use crate::service::{Service, Topic};

pub use page::asyncapi_page;

/// How a message's payload is written.
const CONTENT_TYPE: &str = "avro/binary";
/// Of the schema objects that stand in the document as they are registered.
const SCHEMA_FORMAT: &str = "application/vnd.apache.avro;version=1.9.0";
/// Of <https://github.com/asyncapi/bindings/tree/master/pulsar>.
const BINDING_VERSION: &str = "0.1.0";
/// What a stack on one machine has; a test holds `.env.example` to it.
const TENANT: &str = "tributary";
const NAMESPACE: &str = "local";

const DESCRIPTION: &str = "Every message that travels between the services over Apache Pulsar. Each topic carries one \
Avro record, the envelope, whose payload has one nullable field for each kind; exactly one is set. Kinds that never leave \
their service have a field in the schema but no message here. Between services in http mode the same bytes travel by POST. \
Who a message is from follows from its property signature, not from its envelope: a null actor of an external producer is its \
brand, never the system.\n\n\
To publish a purchase from outside, an external producer has a key (`./tributary producer-key NAME --brand BRAND`) and a grant to produce on \
`tracking-commands`. It sends `tracking.record_event.command.v1` with a fresh `id` and `correlationid`, its name as `source`, an empty `key` and `subject` \
(tracking derives both from brand and order), a null `actor`, `epoch` and `sequence`, and the property `signature`. What became of it is an event on \
`tracking-events` whose `outcomeof` is the command's id. `schemas/tests` has programs in Python and Java.\n\n\
To follow durably, a reader needs a subscription that an operator makes once and grants it; what that has not acknowledged stays until it does. A reader \
without one keeps its own place and may miss what every subscription has acknowledged, since the namespace's retention alone keeps that. Messages may come \
again and, after a hand-over, early: keep the last `epoch` and `sequence` of each `source` and partition, skip what is not above it, and wait for what is missing \
between.";

/// The document. Each kind shows the message of `samples` that is of its kind and topic.
pub fn asyncapi(samples: &[(Topic, Message)]) -> Value {
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:tributary:messages",
        "info": {
            "title": "Tributary messages",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "tags": Service::ALL.map(|service| json!({"name": service.name(), "description": service.about()})),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": servers(),
        "channels": named(Topic::ALL.map(|topic| (topic.name().to_owned(), channels::channel(topic, samples)))),
        "operations": operations::operations(),
        "components": {
            "schemas": messages::schemas(),
            "parameters": channels::parameters(),
            "securitySchemes": { "token": {
                "type": "apiKey",
                "in": "password",
                "description": "Pulsar's token authentication: a JWT whose subject is the role that was granted the topic.",
            } },
            "correlationIds": { "request": {
                "location": "$message.header#/correlationid",
                "description": "UUID of the original request, kept by everything that it causes.",
            } },
        },
    })
}

fn servers() -> Value {
    let server = |protocol: &str, port: &str, about: &str| {
        json!({
            "host": "{host}:{port}",
            "protocol": protocol,
            "description": about,
            "variables": {
                "host": {"default": "127.0.0.1", "description": "Of PULSAR_SERVICE_URL."},
                "port": {"default": port, "description": "Of PULSAR_SERVICE_URL."},
            },
            "bindings": {"pulsar": {"tenant": TENANT, "bindingVersion": BINDING_VERSION}},
        })
    };
    let mut tls = server("pulsar+ssl", "6651", "A broker that others run.");
    tls["security"] = json!([{"$ref": "#/components/securitySchemes/token"}]);
    json!({
        "local": server("pulsar", "6650", "The broker that ./start.sh runs; it asks for a token unless BROKER_AUTH=none."),
        "hosted": tls,
    })
}

/// The kinds of a topic that others see.
fn published(topic: Topic) -> impl Iterator<Item = &'static Kind> {
    KINDS
        .iter()
        .filter(move |kind| kind.topic == topic && kind.reach == Reach::Public)
}

fn named(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(entries.into_iter().collect::<Map<_, _>>())
}

fn reference(pointer: &str) -> Value {
    json!({ "$ref": format!("#/{pointer}") })
}
