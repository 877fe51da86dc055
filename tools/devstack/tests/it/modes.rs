//! Switching a service's mode under load, by the allowed ways.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(clippy::large_futures, reason = "the client's")]

use std::time::Duration;

use devstack::external_producer::ExternalProducer;
use devstack::local::LocalStack;
use devstack::producers::EXTERNAL_PRODUCER;
use devstack::settings::Mode;
use schemas::{Service, Topic};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;

use crate::traffic::{PATIENCE, Shop};
use crate::walk::until;

/// Sends so many reports of page views; their ids.
async fn send(producer: &mut ExternalProducer, count: usize) -> Vec<Uuid> {
    let mut sent = Vec::new();
    for _ in 0..count {
        let (id, receipt) = producer.report("page_view").await.unwrap();
        receipt.await.unwrap();
        sent.push(id);
    }
    sent
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
    let mut producer = ExternalProducer::open(
        stack.settings(),
        Topic::TrackingCommands,
        EXTERNAL_PRODUCER.0,
    )
    .await
    .unwrap();
    let open = shop.open();
    let mut sent = send(&mut producer, 100).await;

    let refused = stack.switch(Mode::Http).await.unwrap_err().to_string();
    assert!(refused.contains("Start it in hybrid"), "{refused}");
    stack.switch(Mode::Hybrid).await.unwrap();
    sent.extend(send(&mut producer, 300).await);
    stack.switch(Mode::Http).await.unwrap();
    // Ready in http mode: what lay at the broker is handled, though nobody waited for it before the switch.
    assert_eq!(handled(&mut tracking, &sent).await, 400);
    // What is sent now lies there until somebody consumes again.
    sent.extend(send(&mut producer, 50).await);
    stack.switch(Mode::Hybrid).await.unwrap();
    stack.switch(Mode::Event).await.unwrap();
    sent.extend(send(&mut producer, 50).await);

    let taken = open.close().await;
    println!("{} purchases during the switches", taken.len());
    shop.wait_for(&taken).await;
    shop.assert_once(&taken).await;
    wait_for_all(&mut tracking, &sent).await;
}

#[tokio::test]
async fn a_service_that_leaves_the_broker_is_not_ready_while_it_does_not_know_what_lies_there() {
    let mut stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.settings_mut().set_mode(Mode::Http);
    stack
        .settings_mut()
        .set("PULSAR_SERVICE_URL", "pulsar://127.0.0.1:9");
    let url = format!("{}/ready", stack.url(Service::Payment).unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // It is started for as long as it takes to say so, and never becomes ready.
    let says = until("payment says what it waits for", || async {
        let answer = client.get(&url).send().await;
        let Ok(answer) = answer else { return false };
        let is_ready = answer.status().is_success();
        let text = answer.text().await.unwrap_or_default();
        !is_ready && text.contains("drain payment-commands/0")
    });
    tokio::pin!(says);
    tokio::select! {
        started = stack.start_again() => {
            assert!(started.is_err(), "it is ready");
            says.await;
        }
        () = &mut says => {}
    }
}
