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
use crate::queues::messages;

/// Whether a backlog of commands rests for several looks, where the follower says until it was looked at so often that it is after this message of 10,000;
/// and how long that took.
async fn rests(sequence: i64, is_waited_for: bool, looks: usize) -> (bool, Duration) {
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
        async move {
            json!({ "watermark": sequence, "mode": "http", "is_waited_for": is_waited_for })
                .to_string()
        }
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
    let goes_on = || queue.due().is_some_and(|due| due <= Instant::now());
    let (began, mut rests) = (Instant::now(), false);
    while looked() < looks && !rests {
        let _first = flow.offer(messages(500)).unwrap();
        let second = messages(500);
        queue.ready().await;
        drop(queue.fill());
        let _second = flow.offer(second).unwrap();
        let before = looked();
        let decided = async || goes_on() || looked() >= before + 2;
        until("it goes on, or rests", decided).await;
        rests = !goes_on();
        queue.ready().await;
        drop(queue.fill());
    }
    tasks.stop().cancel();
    (rests, began.elapsed())
}

#[tokio::test]
async fn a_backlog_of_commands_rests_where_somebody_waits_at_its_follower_that_is_behind() {
    assert!(rests(1_000, true, 100).await.0);
}

#[tokio::test]
async fn a_backlog_of_commands_does_not_rest_soon_where_nobody_waits_there() {
    let (rests, long) = rests(1_000, false, 4).await;
    assert!(!rests || long >= Duration::from_secs(1), "{long:?}");
}

#[tokio::test]
async fn a_backlog_of_commands_does_not_rest_where_its_follower_has_handled_all() {
    assert!(!rests(10_000, true, 8).await.0);
}
