//! A backlog of commands waits for those who follow what comes of it, in a running stack.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use devstack::demo::Tokens as _;
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

const COUNTED: &str = r#"tributary_follower_behind_total{follower="bff"}"#;
/// A few full batches.
const BACKLOG: usize = 5_000;
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
    // The bff states how far it is, and gets no further; there somebody waits for what comes of it.
    let bff = stack.database_url(Service::Bff).unwrap();
    let mut bff = PgConnection::connect(&bff).await.unwrap();
    let hold = "BEGIN; LOCK TABLE pipeline.watermark IN EXCLUSIVE MODE";
    bff.execute(hold).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let payouts = format!(
        "{}/api/v1/payments/request",
        stack.url(Service::Bff).unwrap()
    );
    let payout = http.post(payouts).bearer_auth(stack.token(&[]).unwrap());
    let payout = payout.header("prefer", "wait=30").json(&json!({
        "amount": "1.00", "currency": "USD", "payment_method": "paypal",
        "account_details": {"email": "partner@example.com"},
    }));
    let waiting = payout.send();
    stack.revive().await.unwrap();

    let page = format!("{}/metrics", stack.url(Service::Tracking).unwrap());
    let counted = async {
        let end = Instant::now() + PATIENCE;
        loop {
            // It may not listen yet.
            if let Ok(answer) = http.get(&page).send().await
                && answer.text().await.unwrap().contains(COUNTED)
            {
                break;
            }
            assert!(Instant::now() < end, "nobody looked");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bff.execute("ROLLBACK").await.unwrap();
    };
    let (taken, ()) = tokio::join!(waiting, counted);
    taken.unwrap();
}
