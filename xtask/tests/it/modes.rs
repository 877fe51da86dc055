//! Switching a service's mode under load, by the allowed ways.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(clippy::large_futures, reason = "the client's")]

use std::time::Duration;

use pulsar::producer::Message as RawMessage;
use pulsar::proto::Schema;
use pulsar::{Producer, ProducerOptions, TokioExecutor};
use schemas::{Body, Header, RecordEventV1, Service, Topic, WriterSchema};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;
use xtask::infra;
use xtask::local::LocalStack;
use xtask::settings::Mode;

use crate::traffic::{PATIENCE, Shop};

/// Somebody else's system, which sends commands by the broker.
struct Foreigner {
    producer: Producer<TokioExecutor>,
    sent: Vec<Uuid>,
}

impl Foreigner {
    async fn open(stack: &LocalStack) -> Self {
        let settings = stack.settings();
        let client = infra::broker_client(settings)
            .unwrap()
            .build()
            .await
            .unwrap();
        let place = infra::place(settings).unwrap();
        let topic = Topic::TrackingCommands;
        let schema = Schema {
            name: topic.name().to_owned(),
            schema_data: WriterSchema::current(topic).text().as_bytes().to_vec(),
            r#type: 4,
            properties: Vec::new(),
        };
        let producer = client
            .producer()
            .with_topic(format!("persistent://{}/{topic}-partition-0", place.path()))
            .with_options(ProducerOptions {
                schema: Some(schema),
                ..ProducerOptions::default()
            })
            .build();
        Self {
            producer: Box::pin(producer).await.unwrap(),
            sent: Vec::new(),
        }
    }

    /// Sends so many reports of page views.
    async fn send(&mut self, count: usize) {
        for _ in 0..count {
            let id = Uuid::now_v7();
            let conversion = money::ConversionId::of_command(id).to_string();
            let header = Header {
                id,
                kind: "tracking.record_event.command.v1".to_owned(),
                source: "partner-system".to_owned(),
                subject: conversion.clone(),
                key: conversion,
                time: money::Micros(1_790_000_000_000_000),
                epoch: None,
                sequence: None,
                correlation_id: id,
                causation_id: None,
                outcome_of: None,
                actor: None,
                traceparent: None,
            };
            let body = Body::RecordEventV1(RecordEventV1 {
                event_type: "page_view".to_owned(),
                user_id: "user123".to_owned(),
                occurred_at: None,
                amount: None,
                currency: None,
                order_id: None,
                campaign_id: None,
                click_id: None,
                product_id: None,
                metadata: None,
            });
            let payload = schemas::encode(Topic::TrackingCommands, &header, &body).unwrap();
            let message = RawMessage {
                payload,
                ..RawMessage::default()
            };
            let sent = self.producer.send_non_blocking(message).await.unwrap();
            sent.await.unwrap();
            self.sent.push(id);
        }
    }
}

/// How many of these commands tracking has handled.
async fn handled(tracking: &mut PgConnection, ids: &[Uuid]) -> usize {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pipeline.inbox WHERE id = ANY($1) AND state IN ('done', 'rejected')",
    )
    .bind(ids)
    .fetch_one(tracking)
    .await
    .unwrap();
    usize::try_from(count).unwrap()
}

async fn wait_for_all(tracking: &mut PgConnection, ids: &[Uuid]) {
    let end = Instant::now() + PATIENCE;
    while handled(tracking, ids).await < ids.len() {
        assert!(Instant::now() < end, "commands are left at the broker");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switching_modes_under_load_by_the_allowed_ways_strands_nothing() {
    let mut stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    let mut tracking = PgConnection::connect(&stack.database_url(Service::Tracking).unwrap())
        .await
        .unwrap();
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "switching", vec![bff]);
    let mut foreigner = Foreigner::open(&stack).await;
    let open = shop.open();
    foreigner.send(100).await;

    let refused = stack.switch(Mode::Http).await.unwrap_err().to_string();
    assert!(refused.contains("Start it in hybrid"), "{refused}");
    stack.switch(Mode::Hybrid).await.unwrap();
    foreigner.send(300).await;
    stack.switch(Mode::Http).await.unwrap();
    // Ready in http mode: what lay at the broker is handled, though nobody waited for it before the switch.
    assert_eq!(handled(&mut tracking, &foreigner.sent).await, 400);
    // What is sent now lies there until somebody consumes again.
    foreigner.send(50).await;
    stack.switch(Mode::Hybrid).await.unwrap();
    stack.switch(Mode::Event).await.unwrap();
    foreigner.send(50).await;

    let taken = open.close().await;
    println!("{} purchases during the switches", taken.len());
    shop.wait_for(&taken).await;
    shop.assert_once(&taken).await;
    wait_for_all(&mut tracking, &foreigner.sent).await;
}

#[tokio::test]
async fn a_service_that_leaves_the_broker_is_not_ready_while_it_cannot_tell_what_lies_there() {
    let mut stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.settings_mut().set_mode(Mode::Http);
    stack
        .settings_mut()
        .set("PULSAR_SERVICE_URL", "pulsar://127.0.0.1:9");
    let starting = tokio::time::timeout(Duration::from_secs(20), stack.start_again());
    let _times_out_or_tells = starting.await;
    let url = format!("{}/ready", stack.url(Service::Payment).unwrap());
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(url);
    let text = answer.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("drain payment-commands/0"), "{text}");
}
