//! A backlog of commands that somebody waits behind spares those who follow what comes of it, in a running stack.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use devstack::demo::Tokens;
use devstack::external_producer::ExternalProducer;
use devstack::local::LocalStack;
use devstack::producers::EXTERNAL_PRODUCER;
use devstack::services::Program;
use devstack::settings::Mode;
use futures::future::try_join_all;
use schemas::{Service, Topic};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::Instant;

use crate::traffic::PATIENCE;
use crate::walk::until;

const BACKLOG: usize = 15_000;
/// The client refuses to wait for more at once.
const AT_ONCE: usize = 100;

#[tokio::test]
async fn a_service_with_a_backlog_looks_whether_its_followers_are_behind() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    let tracking = Program::Service(Service::Tracking);
    stack.kill(tracking).unwrap();
    let (settings, topic) = (stack.settings(), Topic::TrackingCommands);
    let mut producer = ExternalProducer::open(settings, topic, EXTERNAL_PRODUCER.0)
        .await
        .unwrap();
    for _ in 0..BACKLOG / AT_ONCE {
        let mut receipts = Vec::new();
        for _ in 0..AT_ONCE {
            receipts.push(producer.report("page_view").await.unwrap().1);
        }
        try_join_all(receipts).await.unwrap();
    }
    let bff = stack.database_url(Service::Bff).unwrap();
    let mut bff = PgConnection::connect(&bff).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let waiting = http
        .post(format!(
            "{}/api/v1/tracking/events",
            stack.url(Service::Bff).unwrap()
        ))
        .bearer_auth(stack.token(&["--role", "operator"]).unwrap())
        .header("Idempotency-Key", "behind-the-backlog")
        .header("Prefer", "wait=30")
        .json(&json!({"user_id": "user123", "event_type": "page_view"}))
        .send();
    let looked = async {
        wait_until_taken(&mut bff).await;
        // The bff states how far it is, and gets no further.
        let hold = "BEGIN; LOCK TABLE pipeline.watermark IN EXCLUSIVE MODE";
        bff.execute(hold).await.unwrap();
        stack.revive().await.unwrap();
        let page = format!("{}/metrics", stack.url(Service::Tracking).unwrap());
        wait_until_bff_is_behind(&http, &page).await;
        bff.execute("ROLLBACK").await.unwrap();
    };
    tokio::select! {
        answer = waiting => panic!("the request is answered before the backlog is handled: {answer:?}"),
        () = looked => (),
    }
}

async fn wait_until_taken(bff: &mut PgConnection) {
    let end = Instant::now() + PATIENCE;
    let taken = "SELECT EXISTS (SELECT FROM commands)";
    while !sqlx::query_scalar::<_, bool>(taken)
        .fetch_one(&mut *bff)
        .await
        .unwrap()
    {
        assert!(Instant::now() < end, "the request is not taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn wait_until_bff_is_behind(http: &reqwest::Client, page: &str) {
    let counts = |line: &str| {
        line.starts_with("tributary_follower_behind_total") && line.contains(r#"follower="bff""#)
    };
    until("the bff is found behind", || async {
        // It may not listen yet.
        match http.get(page).send().await {
            Ok(answer) => answer.text().await.unwrap().lines().any(counts),
            Err(_) => false,
        }
    })
    .await;
}
