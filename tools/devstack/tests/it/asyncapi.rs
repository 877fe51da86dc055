//! The `AsyncAPI` document of the messages is one, by the specification's own schema.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use devstack::layout::Layout;
use devstack::stack::testing::{PYTHON, from_test_run};
use devstack::tools;
use serde_json::{Value, json};

/// What the schema of `AsyncAPI` 3.0.0 has against a document.
fn problems(document: &Value) -> Vec<String> {
    let layout = Layout::find();
    let mut validator = Command::new(from_test_run(PYTHON))
        .arg(layout.root.join("tools/devstack/tests/it/asyncapi.py"))
        .arg(tools::asyncapi_schema(&layout).unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = validator.stdin.take().unwrap();
    input.write_all(document.to_string().as_bytes()).unwrap();
    drop(input);
    let output = validator.wait_with_output().unwrap();
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout.lines().map(str::to_owned).collect()
}

fn document() -> Value {
    let path = Layout::find().root.join("schemas/asyncapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_document_of_the_messages_is_what_the_specification_asks_for() {
    assert_eq!(problems(&document()), Vec::<String>::new());
}

#[test]
fn a_broken_document_is_refused_where_it_is_broken() {
    let avro = "/components/schemas/payment-events/schema";
    for (pointer, wrong) in [
        ("/asyncapi", json!("2.6.0")),
        ("/info/version", json!(1)),
        ("/servers/hosted/protocol", Value::Null),
        (
            "/channels/campaign-events/bindings/pulsar/persistence",
            json!("perhaps"),
        ),
        (
            "/operations/campaign.send.campaign-events/action",
            json!("publish"),
        ),
        ("/components/securitySchemes/token/in", json!("cookie")),
        (
            "/components/correlationIds/request/location",
            json!("correlationid"),
        ),
        (&format!("{avro}/fields/0/type"), json!(7)),
        (&format!("{avro}/name"), json!("no name")),
    ] {
        let mut broken = document();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!problems(&broken).is_empty(), "{pointer}");
    }
    let mut unknown = document();
    unknown["channels"]["campaign-events"]["topic"] = json!("campaign-events");
    assert!(!problems(&unknown).is_empty());
}
