//! A backlog of commands waits for those who follow what comes of it, in a running stack.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use devstack::external_producer::ExternalProducer;
use devstack::local::LocalStack;
use devstack::producers::EXTERNAL_PRODUCER;
use devstack::services::Program;
use devstack::settings::Mode;
use futures::future::try_join_all;
use schemas::{Service, Topic};
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::Instant;

use crate::traffic::PATIENCE;

/// Takes longer than the second after which somebody is behind for whom nobody waits.
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
    // The bff states how far it is, and gets no further.
    let bff = stack.database_url(Service::Bff).unwrap();
    let mut bff = PgConnection::connect(&bff).await.unwrap();
    let hold = "BEGIN; LOCK TABLE pipeline.watermark IN EXCLUSIVE MODE";
    bff.execute(hold).await.unwrap();
    stack.revive().await.unwrap();

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = format!("{}/metrics", stack.url(Service::Tracking).unwrap());
    let end = Instant::now() + PATIENCE;
    let counts = |line: &str| {
        line.starts_with("tributary_follower_behind_total") && line.contains(r#"follower="bff""#)
    };
    loop {
        // It may not listen yet.
        if let Ok(answer) = http.get(&page).send().await
            && answer.text().await.unwrap().lines().any(counts)
        {
            break;
        }
        assert!(Instant::now() < end, "nobody looked");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bff.execute("ROLLBACK").await.unwrap();
}
