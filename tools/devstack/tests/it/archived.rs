//! The commands of docs/runbooks/archive.md, and a database that moved without a loss, on a whole stack. Prints what the
//! runbooks quote.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use schemas::Service;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::time::{Duration, Instant};

use crate::restored::{TRACKING, as_admin, ready, start, tributary, until_ready_says};
use crate::traffic::{PATIENCE, Shop};
use crate::walk::{Walker, until};

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

/// Of the oldest order and of the oldest movement of money tracking's part is in its archive.
async fn explanations_name_whose_log_is_archived(stack: &LocalStack) {
    let url = stack.database_url(Service::Bff).unwrap();
    let bff = PgPool::connect(&url).await.unwrap();
    until("the bff has folded a purchase and what it moved", || async {
        let both = "SELECT EXISTS (SELECT FROM conversions WHERE order_id IS NOT NULL) AND EXISTS (SELECT FROM transfers)";
        sqlx::query_scalar(both).fetch_one(&bff).await.unwrap()
    })
    .await;
    let oldest =
        "SELECT id, order_id FROM conversions WHERE order_id IS NOT NULL ORDER BY position LIMIT 1";
    let (conversion, order): (String, String) =
        sqlx::query_as(oldest).fetch_one(&bff).await.unwrap();
    let oldest = "SELECT id::text FROM transfers ORDER BY position LIMIT 1";
    let transfer: String = sqlx::query_scalar(oldest).fetch_one(&bff).await.unwrap();
    bff.close().await;
    let walker = Walker::new(stack, Mode::Hybrid);
    let operator = stack.token(&["--role", "operator"]).unwrap();
    for path in [
        format!("conversions/{conversion}/explanation"),
        format!("explanations?order_id={order}"),
        format!("transfers/{transfer}/explanation"),
    ] {
        let names_it = |explained: &Value| {
            let archived = explained["archived"].as_array();
            archived.is_some_and(|all| all.iter().any(|it| it["service"] == "tracking"))
        };
        walker.read_until(&operator, &path, names_it).await;
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

    explanations_name_whose_log_is_archived(&stack).await;

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
