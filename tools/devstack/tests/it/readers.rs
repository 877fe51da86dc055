//! Who reads a topic: a stock Python client that knows only the registered schemas, and `tributary tail`.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use devstack::layout::Layout;
use devstack::provision::{Admin, Place};
use devstack::stack::testing::{
    PULSAR_ADMIN_URL, PULSAR_SERVICE_URL, PYTHON, from_test_run, scratch,
};
use pulsar::producer::Message;
use pulsar::proto::Schema;
use pulsar::{ProducerOptions, Pulsar, TokioExecutor};
use schemas::Topic;
use serde_json::Value;

/// `Schema.Type.Avro` of Pulsar's wire protocol.
const AVRO: i32 = 4;

type Samples = BTreeMap<String, Value>;

/// Puts one golden sample of every kind on its topic; returns what they say by id of the message and kind.
async fn publish_golden_samples(place: &Place) -> Samples {
    place.provision().await.unwrap();
    let client = Pulsar::builder(from_test_run(PULSAR_SERVICE_URL), TokioExecutor)
        .build()
        .await
        .unwrap();
    let mut published = Samples::new();
    for topic in Topic::ALL {
        let schema = Schema {
            r#type: AVRO,
            schema_data: topic.avsc().into(),
            ..Schema::default()
        };
        let options = ProducerOptions {
            schema: Some(schema),
            ..ProducerOptions::default()
        };
        let name = format!("persistent://{}/{topic}-partition-0", place.path());
        let mut producer = client
            .producer()
            .with_topic(name)
            .with_options(options)
            .build()
            .await
            .unwrap();
        for entry in fs::read_dir(
            Layout::find()
                .root
                .join("schemas/golden/next")
                .join(topic.name()),
        )
        .unwrap()
        {
            let file = entry.unwrap().path();
            if file
                .extension()
                .is_some_and(|extension| extension == "avro")
            {
                let payload = fs::read(&file).unwrap();
                let message = Message {
                    payload,
                    partition_key: Some("key-1".into()),
                    ..Message::default()
                };
                producer
                    .send_non_blocking(message)
                    .await
                    .unwrap()
                    .await
                    .unwrap();
                let text = fs::read_to_string(file.with_extension("json")).unwrap();
                let sample: Value = serde_json::from_str(&text).unwrap();
                published.insert(
                    format!("{topic} {}", sample["type"].as_str().unwrap()),
                    sample,
                );
            }
        }
    }
    published
}

fn place(namespace: &str) -> Place {
    let admin = Admin::new(&from_test_run(PULSAR_ADMIN_URL), None).unwrap();
    Place {
        admin,
        tenant: "readers".into(),
        namespace: namespace.into(),
        partitions: 1,
    }
}

fn lines(command: &mut Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_stock_python_client_reads_every_topic_by_its_registered_schema_alone() {
    let place = place("python");
    let published = publish_golden_samples(&place).await;
    let mut reader = Command::new(from_test_run(PYTHON));
    reader
        .arg(Layout::find().root.join("schemas/tests/read_topics.py"))
        .args([
            "--service-url",
            &from_test_run(PULSAR_SERVICE_URL),
            "--admin-url",
            &from_test_run(PULSAR_ADMIN_URL),
        ])
        .args(["--tenant", &place.tenant, "--namespace", &place.namespace])
        .args(Topic::ALL.map(Topic::name));
    let read: Samples = lines(&mut reader)
        .into_iter()
        .map(|line| {
            let message = line["message"].clone();
            (
                format!(
                    "{} {}",
                    line["topic"].as_str().unwrap(),
                    message["type"].as_str().unwrap()
                ),
                message,
            )
        })
        .collect();
    assert_eq!(read, published);
}

#[tokio::test]
async fn tail_shows_what_lies_on_a_topic_with_its_correlation_id() {
    let place = place("tail");
    let published = publish_golden_samples(&place).await;
    let root = scratch("tail");
    fs::create_dir_all(&root).unwrap();
    fs::copy(
        Layout::find().root.join(".env.example"),
        root.join(".env.example"),
    )
    .unwrap();
    let mut tail = Command::new(crate::built("tributary"));
    tail.args(["tail", "campaign-events", "--broker"])
        .env("TRIBUTARY_ROOT", &root)
        .env("BROKER_AUTH", "none")
        .env("PULSAR_SERVICE_URL", from_test_run(PULSAR_SERVICE_URL))
        .env("PULSAR_ADMIN_URL", from_test_run(PULSAR_ADMIN_URL))
        .env("PULSAR_TENANT", &place.tenant)
        .env("PULSAR_NAMESPACE", &place.namespace);
    let shown = lines(&mut tail);
    let accepted = shown
        .iter()
        .find(|line| line["type"] == "enrollment.accepted.v1")
        .unwrap();
    let sample = &published["campaign-events enrollment.accepted.v1"];
    assert_eq!(accepted["correlation_id"], sample["correlationid"]);
    assert_eq!(
        accepted["payload"],
        sample["payload"]["enrollment_accepted_v1"]
    );
    fs::remove_dir_all(root).unwrap();
}
