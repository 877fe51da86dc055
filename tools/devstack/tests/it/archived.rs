//! The commands of docs/runbooks/archive.md, and a database that moved without a loss, on a whole stack. Prints what the
//! runbooks quote.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use devstack::local::LocalStack;
use devstack::settings::Mode;
use schemas::Service;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::{Duration, Instant};

use crate::restored::{TRACKING, as_admin, ready, start, tributary, until_ready_says};
use crate::traffic::{PATIENCE, Shop};

async fn number(stack: &LocalStack, sql: &str) -> i64 {
    let url = stack.database_url(Service::Tracking).unwrap();
    let mut tracking = PgConnection::connect(&url).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut tracking)
        .await
        .unwrap()
}

/// Waits until tracking's log is shipped to its end, so that every follower can have passed it.
async fn until_shipped(stack: &LocalStack) {
    let left = "SELECT (SELECT position FROM pipeline.log_head)
                     - (SELECT min(position) FROM pipeline.relay_cursor WHERE topic = 'tracking-events')";
    let end = Instant::now() + PATIENCE;
    while number(stack, left).await > 0 {
        assert!(Instant::now() < end, "tracking's relay comes to the end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_part_leaves_the_table_by_the_runbook_and_everything_goes_on() {
    let mut stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.settings_mut().set("LOG_PARTITION_POSITIONS", "64");
    stack.switch(Mode::Hybrid).await.unwrap();
    stack.load_demo().await.unwrap();
    let bff = vec![stack.url(Service::Bff).unwrap().to_owned()];
    let shop = Shop::new(&stack, "archived", bff);
    let mut all = Vec::new();
    while number(&stack, "SELECT position FROM pipeline.log_head").await < 200 {
        for _ in 0..20 {
            all.push(shop.buy().await);
        }
        shop.wait_for(&all).await;
    }
    until_shipped(&stack).await;

    let reason = ["--reason", "monthly"];
    let act = |verb: &str| {
        tributary(
            &stack,
            &[&["archive", verb, "tracking"], &reason[..]].concat(),
        )
    };
    for verb in ["run", "verify", "drop"] {
        act(verb);
    }
    let list = tributary(&stack, &["archive", "list", "tracking"]);
    assert!(list.contains("tracking"), "{list}");
    let least = number(&stack, "SELECT min(position) FROM pipeline.message_log").await;
    assert!(least >= 64, "the table still has position {least}");

    // The event store, a replay and a relay that is rewound read what left.
    let events = ["events", "list", "tracking", "--oldest", "--limit", "3"];
    tributary(&stack, &events);
    let verified = tributary(&stack, &["replay", "verify", "tracking"]);
    assert!(!verified.is_empty());
    let rewind = [
        "relay",
        "rewind",
        "--source",
        "tracking",
        "--topic",
        "tracking-events",
        "--to",
        "0",
    ];
    tributary(&stack, &[&rewind, &reason[..]].concat());
    until_shipped(&stack).await;
    for _ in 0..3 {
        all.push(shop.buy().await);
    }
    shop.wait_for(&all).await;
    shop.assert_once(&all).await;
    tributary(
        &stack,
        &["audit", "list", "tracking", "--action", "archive"],
    );

    // The database moves while its service is stopped.
    assert!(TRACKING.stop(stack.layout()));
    as_admin(&stack, "ALTER DATABASE tracking_db RENAME TO tracking_old").await;
    let copy = "CREATE DATABASE tracking_db TEMPLATE tracking_old OWNER tracking";
    as_admin(&stack, copy).await;
    start(&stack, TRACKING).await;
    until_ready_says(&stack, Service::Tracking, "is a copy").await;
    tributary(&stack, &["epoch", "show", "tracking"]);
    let moved = ["--reason", "moved while it was stopped"];
    tributary(
        &stack,
        &[&["epoch", "keep", "--service", "tracking"], &moved[..]].concat(),
    );
    let end = Instant::now() + PATIENCE;
    while !ready(&stack, Service::Tracking).await.0 {
        assert!(Instant::now() < end, "tracking goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tributary(&stack, &["epoch", "show", "tracking"]);
    all.push(shop.buy().await);
    shop.wait_for(&all).await;
}
