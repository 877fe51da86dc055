//! An older build beside a newer one: it keeps what it does not know, and the newer one takes it.

use std::sync::mpsc;

use devstack::provision::Place;
use messaging::transport::pulsar::BrokerSettings;
use pulsar::producer::Message as RawMessage;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::lab::{Follower, Sender, TOPIC, broker, place, settings};
use crate::{forged, nothing_left, producer_by};

/// What the older build has never heard of.
const NEWER: &str = "evidence.submitted.v1";
const NEWER_FIELD: &str = "evidence_submitted_v1";

/// The topic's schema as it was before the kind was added, and those after it.
fn older_schema() -> String {
    let mut schema: Value = serde_json::from_str(TOPIC.avsc()).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    let payload = fields.iter_mut().find(|field| field["name"] == "payload");
    let kinds = payload.unwrap()["type"]["fields"].as_array_mut().unwrap();
    let at = kinds.iter().position(|kind| kind["name"] == NEWER_FIELD);
    kinds.truncate(at.unwrap());
    schema.to_string()
}

/// A place that an older build provisioned: its schema is the topic's only version.
async fn provisioned_by_the_older_build(place: &Place) {
    place.provision().await.unwrap();
    let path = format!("schemas/{}/{TOPIC}/schema", place.path());
    place.admin.delete(&path).await.unwrap();
    let schema = json!({"type": "AVRO", "schema": older_schema(), "properties": {}});
    place.admin.post(&path, &schema).await.unwrap();
}

/// Runs a follower that is an older build, on a thread of its own, until the token is cancelled.
fn older_build(
    settings: BrokerSettings,
    stop: CancellationToken,
) -> (PgPool, std::thread::JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel();
    let running = std::thread::spawn(move || {
        schemas::forget(NEWER);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let follower = Follower::start(&settings, 1).await;
            sender.send(follower.options()).unwrap();
            stop.cancelled().await;
            follower.kill();
        });
    });
    let options = receiver.recv().unwrap();
    (PgPool::connect_lazy_with(options), running)
}

/// Until so many facts are noted, and so many kept.
async fn until_handled(pool: &PgPool, noted: i64, kept: usize) {
    runtime::testing::until("what is known is handled, the rest kept", || async {
        let found: i64 = sqlx::query_scalar("SELECT count(*) FROM noted")
            .fetch_one(pool)
            .await
            .unwrap();
        found == noted && retry_queue(pool).await.len() == kept
    })
    .await;
}

async fn retry_queue(pool: &PgPool) -> Vec<(String, String)> {
    sqlx::query_as("SELECT state, header::json ->> 'type' FROM pipeline.parked ORDER BY arrival")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_older_build_keeps_a_newer_kind_and_the_newer_build_takes_it_in_order_and_once() {
    let (service_url, admin_url) = broker();
    let place = place(&admin_url, 1);
    provisioned_by_the_older_build(&place).await;
    let settings = settings(&service_url, &place);
    let stop = CancellationToken::new();
    let (pool, older) = older_build(settings.clone(), stop.clone());

    // The newer build's schema goes beside the older one, and its sender begins to use it.
    let report = place.provision().await.unwrap();
    let registered = format!("registered a new version of the schema of {TOPIC}");
    assert!(report.contains(&registered), "{report:?}");
    let sender = Sender::start(&settings, 1).await;
    sender.emit(5).await;
    sender.emit_evidence(3).await;
    sender.emit(5).await;
    until_handled(&pool, 10, 3).await;
    let kept = retry_queue(&pool).await;
    assert!(
        kept.iter()
            .all(|row| *row == ("unknown_type".to_owned(), NEWER.to_owned())),
        "{kept:?}"
    );

    // The newer build starts beside the older one, which goes on.
    let newer = Follower::beside(&pool, &settings, 1).await;
    newer.wait_for(13).await;
    newer.assert_once(13).await;
    assert!(retry_queue(&pool).await.is_empty());
    let sequences: Vec<i64> = sqlx::query_scalar(
        "SELECT sequence FROM noted WHERE sequence BETWEEN 6 AND 8 ORDER BY place",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(sequences, [6, 7, 8]);

    // More of it while both run, whichever of them the broker feeds.
    sender.emit_evidence(2).await;
    sender.emit(1).await;
    newer.wait_for(14).await;
    stop.cancel();
    tokio::task::spawn_blocking(move || older.join().unwrap())
        .await
        .unwrap();
    newer.wait_for(16).await;
    newer.assert_once(16).await;
}

#[tokio::test]
async fn a_version_of_the_schema_that_a_stranger_named_before_it_was_there_is_taken_when_it_is() {
    let (service_url, admin_url) = broker();
    let place = place(&admin_url, 1);
    provisioned_by_the_older_build(&place).await;
    let settings = settings(&service_url, &place);
    let stop = CancellationToken::new();
    let (pool, older) = older_build(settings.clone(), stop.clone());

    // The next one is among them.
    let mut stranger = producer_by(&settings, TOPIC, older_schema(), None).await;
    for version in 0_u64..8 {
        let message = RawMessage {
            payload: vec![7; 20],
            schema_version: Some(version.to_be_bytes().to_vec()),
            ..RawMessage::default()
        };
        forged::send(&mut stranger, message).await;
    }
    nothing_left(&place).await;

    place.provision().await.unwrap();
    let sender = Sender::start(&settings, 1).await;
    sender.emit(5).await;
    sender.emit_evidence(1).await;
    until_handled(&pool, 5, 1).await;
    stop.cancel();
    tokio::task::spawn_blocking(move || older.join().unwrap())
        .await
        .unwrap();
}
