//! A backlog of commands rests for a follower that is behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use messaging::backpressure::{self, Follower};
use messaging::{Queue, Tasks};
use runtime::testing::until;
use schemas::Service;
use serde_json::json;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use crate::http_transport::{by_http, listen};
use crate::lab::{COMMANDS, FACTS, database};
use crate::queues::{batch_that_takes, messages};

/// Whether a backlog of commands rests, where the follower says until it was looked at so often that it is after this message of 10,000.
async fn rests(sequence: i64, looks: usize) -> bool {
    let (pool, _) = database().await;
    sqlx::query("INSERT INTO pipeline.stream_head VALUES ($1, 0, 10000)")
        .bind(FACTS.name())
        .execute(&pool)
        .await
        .unwrap();
    let answers = Arc::new(AtomicUsize::new(0));
    let answered = Arc::clone(&answers);
    let stands = move || {
        answered.fetch_add(1, Ordering::SeqCst);
        async move { json!({ "watermark": sequence, "mode": "http" }).to_string() }
    };
    let app = Router::new().route("/internal/v1/watermarks", get(stands));
    let tasks = Tasks::new(CancellationToken::new());
    let follower = by_http(listen(app, &tasks).await);
    let followers = vec![Follower::new(Service::Payment, (FACTS, 0), follower)];
    let queue = Queue::of(Service::Payment);
    let sparing = backpressure::run(queue.clone(), pool, followers, tasks.stop().clone());
    tasks.spawn("backpressure", sparing);

    let flow = queue.pipelined_flow(COMMANDS);
    let looked = || answers.load(Ordering::SeqCst);
    let mut rests = false;
    while looked() < looks {
        let before = looked();
        let _first = flow.offer(messages(500)).unwrap();
        let second = messages(500);
        queue.ready().await;
        batch_that_takes(&queue, Duration::from_millis(60));
        let _second = flow.offer(second).unwrap();
        rests = queue.due().is_some_and(|due| due > Instant::now());
        if rests {
            break;
        }
        until("it is looked at", async || looked() > before).await;
        drop(queue.fill());
    }
    tasks.stop().cancel();
    rests
}

#[tokio::test]
async fn a_backlog_of_commands_rests_where_its_follower_says_that_it_is_behind() {
    assert!(rests(1_000, 100).await);
}

#[tokio::test]
async fn a_backlog_of_commands_does_not_rest_where_its_follower_is_near() {
    assert!(!rests(9_000, 3).await);
}
