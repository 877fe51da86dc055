//! The `AsyncAPI` document says what the table of kinds and the registered schemas say. That it is one at all, another
//! test asks the specification's own schema (`tools/devstack/tests/it/asyncapi.rs`).

use std::collections::{BTreeMap, BTreeSet};

use apache_avro::Schema;
use schemas::*;
use serde_json::{Map, Value};

use crate::samples;

fn document() -> Value {
    asyncapi(&samples::all())
}

fn object<'a>(document: &'a Value, pointer: &str) -> &'a Map<String, Value> {
    document.pointer(pointer).unwrap().as_object().unwrap()
}

fn published(topic: Topic) -> impl Iterator<Item = &'static Kind> {
    KINDS
        .iter()
        .filter(move |kind| kind.topic == topic && kind.reach == Reach::Public)
}

/// What follows the last slash of each reference in a list.
fn named(references: &Value) -> BTreeSet<&str> {
    let references = references.as_array().unwrap().iter();
    let pointers = references.map(|it| it["$ref"].as_str().unwrap());
    pointers.map(|it| it.rsplit_once('/').unwrap().1).collect()
}

#[test]
fn every_kind_that_leaves_its_service_is_a_message_of_its_topic_and_no_other_is() {
    let document = document();
    assert_eq!(object(&document, "/channels").len(), Topic::ALL.len());
    for topic in Topic::ALL {
        let channel = &document["channels"][topic.name()];
        let address = format!("persistent://{{tenant}}/{{namespace}}/{topic}");
        assert_eq!(channel["address"], *address);
        let messages: BTreeSet<_> = object(channel, "/messages").keys().collect();
        let names: Vec<_> = published(topic).map(|kind| kind.name.to_owned()).collect();
        assert_eq!(messages, names.iter().collect());
    }
}

#[test]
fn each_message_says_what_its_kind_is_for_and_shows_one() {
    let document = document();
    for kind in Topic::ALL.into_iter().flat_map(published) {
        let message = &document["channels"][kind.topic.name()]["messages"][kind.name];
        assert!(
            message["summary"].as_str().unwrap().ends_with('.'),
            "{message}"
        );
        let payload = format!("#/components/schemas/{}", kind.topic);
        assert_eq!(message["payload"]["$ref"], *payload);
        let example = &message["examples"][0];
        assert_eq!(example["headers"]["type"], kind.name);
        assert!(example["payload"]["payload"][kind.field].is_object());
        assert_eq!(example["payload"]["outcomeof"].is_string(), !kind.command);
    }
}

#[test]
fn the_payloads_are_the_registered_schemas_and_the_samples_can_be_read_by_them() {
    let document = document();
    for topic in Topic::ALL {
        let payload = &document["components"]["schemas"][topic.name()];
        assert_eq!(
            payload["schemaFormat"],
            "application/vnd.apache.avro;version=1.9.0"
        );
        let registered: Value = serde_json::from_str(topic.avsc()).unwrap();
        assert_eq!(payload["schema"], registered);
        let parsed = Schema::parse(&payload["schema"]).unwrap();
        assert_eq!(parsed, Schema::parse_str(topic.avsc()).unwrap());
        let schema = WriterSchema::parse(topic, &payload["schema"].to_string()).unwrap();
        for (_, sample) in samples::all().into_iter().filter(|(on, _)| *on == topic) {
            let bytes = encode(topic, &sample.header, &sample.body).unwrap();
            assert_eq!(decode(&schema, &bytes).unwrap(), sample);
        }
    }
}

#[test]
fn operations_are_what_the_services_may_do_at_the_broker() {
    let document = document();
    let mut found = BTreeMap::new();
    for (id, operation) in object(&document, "/operations") {
        let service = Service::parse(operation["tags"][0]["name"].as_str().unwrap()).unwrap();
        let action = operation["action"].as_str().unwrap();
        assert!(id.starts_with(&format!("{service}.{action}.")), "{id}");
        let channel = operation["channel"]["$ref"].as_str().unwrap();
        let topic = Topic::parse(channel.rsplit_once('/').unwrap().1).unwrap();
        let messages: &mut BTreeSet<_> = found.entry((service, action, topic)).or_default();
        messages.extend(named(&operation["messages"]));
    }
    for topic in Topic::ALL {
        for service in Service::ALL {
            let grants = topic.grants(service);
            let sent = published(topic).filter(|_| grants.produce);
            let followed = published(topic).filter(|kind| kind.followers.contains(&service));
            let mut listed = |action| found.remove(&(service, action, topic)).unwrap_or_default();
            assert_eq!(
                listed("send"),
                sent.map(|kind| kind.name).collect(),
                "{service} {topic}"
            );
            assert_eq!(
                listed("receive"),
                followed.map(|kind| kind.name).collect(),
                "{service} {topic}"
            );
        }
    }
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_command_ends_in_events_of_its_owner_or_a_refusal() {
    let document = document();
    for kind in KINDS {
        let events = kind.topic.owner().events_topic().unwrap();
        assert_eq!(kind.outcomes.is_empty(), !kind.command, "{}", kind.name);
        for outcome in kind.outcomes {
            assert!(kind_on(events, outcome).is_some(), "{outcome}");
        }
        if kind.command && kind.reach == Reach::Public {
            let operation = format!("{}.receive.{}", kind.topic.owner(), kind.name);
            let reply = &document["operations"][operation]["reply"];
            assert_eq!(reply["channel"]["$ref"], format!("#/channels/{events}"));
            let wanted = kind.outcomes.iter().chain(&["command.rejected.v1"]);
            assert_eq!(named(&reply["messages"]), wanted.copied().collect());
        }
    }
}

#[test]
fn every_service_that_refuses_lists_each_code_once() {
    let document = document();
    for topic in Topic::ALL.into_iter().filter(|topic| !topic.is_commands()) {
        let codes: Vec<_> = rejection_codes(topic.owner()).collect();
        let listed = format!("/channels/{topic}/messages/command.rejected.v1/x-tributary/codes");
        assert_eq!(object(&document, &listed).len(), codes.len());
        let is_the_transports = |code: &RejectionCode| code.name == "dropped_by_operator";
        assert!(codes.iter().any(is_the_transports));
    }
}

#[test]
fn every_reference_has_its_target() {
    fn check(value: &Value, document: &Value) -> usize {
        match value {
            Value::Object(fields) => match fields.get("$ref").and_then(Value::as_str) {
                Some(reference) => {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    1
                }
                None => fields.values().map(|it| check(it, document)).sum(),
            },
            Value::Array(items) => items.iter().map(|it| check(it, document)).sum(),
            _ => 0,
        }
    }
    let document = document();
    assert!(check(&document, &document) > 100);
}

#[test]
fn tenant_and_namespace_default_to_the_local_stacks() {
    let example =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example")).unwrap();
    let document = document();
    for (parameter, variable) in [
        ("tenant", "PULSAR_TENANT"),
        ("namespace", "PULSAR_NAMESPACE"),
    ] {
        let default = document["components"]["parameters"][parameter]["default"]
            .as_str()
            .unwrap();
        let line = format!("\n{variable}={default}\n");
        assert!(example.contains(&line), "{line}");
    }
}

#[test]
fn the_page_names_every_kind_and_code_and_needs_nothing_from_elsewhere() {
    let page = asyncapi_page(&document());
    for kind in KINDS {
        let heading = format!("<h3 id=\"{}/{}\">", kind.topic, kind.name);
        assert_eq!(
            page.contains(&heading),
            kind.reach == Reach::Public,
            "{heading}"
        );
    }
    for service in Service::with_topics() {
        for RejectionCode { name, meaning, .. } in rejection_codes(service) {
            let row = format!("<td><code>{name}</code></td><td>{meaning}</td>");
            assert!(page.contains(&row), "{row}");
        }
    }
    for link in page.split("href=\"#").skip(1) {
        let (anchor, _) = link.split_once('"').unwrap();
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("url("));
    assert!(!page.contains("href=\"http"));
}

#[test]
fn a_record_within_a_record_is_shown_field_by_field() {
    let page = asyncapi_page(&document());
    assert!(page.contains("<td><code>amount</code></td><td>Money</td>"));
    assert!(page.contains("<td><code>amount.minor</code></td><td>long</td>"));
    // Where the record is only named, because an earlier kind of the topic has defined it.
    let (_, paid) = page
        .split_once("<h3 id=\"payment-events/payout.paid.v1\">")
        .unwrap();
    let (paid, _) = paid.split_once("<details>").unwrap();
    assert!(paid.contains("<td><code>amount.currency</code></td><td>string</td>"));
    assert!(page.contains("<td><code>plan.sale_flat.currency</code></td><td>string</td>"));
    assert!(page.contains("<td><code>transfers</code></td><td>array of Transfer</td>"));
    assert!(page.contains("<td><code>actor.roles</code></td><td>array of string</td>"));
    assert!(page.contains("<td>long (timestamp-micros) or null</td>"));
}

#[test]
fn it_describes_who_a_null_actor_is_how_to_publish_a_purchase_and_how_to_follow_durably() {
    let document = document();
    let about = document["info"]["description"].as_str().unwrap();
    let (who, rest) = about.split_once("\n\n").unwrap();
    let (publish, follow) = rest.split_once("\n\n").unwrap();
    assert!(
        who.contains("a null actor of an external producer is its brand"),
        "{who}"
    );
    let report = kind("tracking.record_event.command.v1").unwrap();
    for needed in [report.name, report.topic.name(), "`signature`", "`subject`"] {
        assert!(publish.contains(needed), "{needed}: {publish}");
    }
    assert!(follow.contains("subscription"), "{follow}");
}
