//! A queue that is full says so.

use axum::http::StatusCode;
use futures::future::join_all;
use runtime::testing;

use crate::app::{CAMPAIGNS, campaign, get, post, start};

#[tokio::test]
async fn a_request_beyond_the_queues_bound_gets_503_and_when_to_come_again() {
    let service = start().await;
    let holder = service.hold_writer_lock().await;
    let filled = service.fill_its_flow();
    let brand = testing::brand("brand1");
    let request = service
        .client
        .post(format!("{}{CAMPAIGNS}", service.base_url));
    let refused = request
        .bearer_auth(&brand)
        .json(&campaign("camp1"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "queue_full");
    drop(holder);
    filled.await.unwrap();
    // Nothing of it was taken, and now there is room.
    let created = StatusCode::CREATED;
    post(&service, CAMPAIGNS, &brand, &campaign("camp1"), created).await;
    service.stop().await;
}

#[tokio::test]
async fn requests_that_came_before_the_stop_are_answered_after_it() {
    let service = start().await;
    let holder = service.hold_writer_lock().await;
    let brand = testing::brand("brand1");
    let create = |number: u8| {
        let request = service
            .client
            .post(format!("{}{CAMPAIGNS}", service.base_url));
        let request = request
            .bearer_auth(&brand)
            .json(&campaign(&format!("camp{number}")));
        async move { request.send().await.unwrap().status() }
    };
    // One is being handled, and the others wait for their turn.
    let requests = join_all((0..10).map(create));
    let stopping = async {
        testing::until("one is being handled", || async {
            service.waiting_writers().await > 0
        })
        .await;
        for _ in 0..20 {
            get(&service, CAMPAIGNS, &brand).await;
        }
        let release = async {
            tokio::task::yield_now().await;
            drop(holder);
        };
        tokio::join!(service.stop(), release);
    };
    let (statuses, ()) = tokio::join!(requests, stopping);
    assert_eq!(statuses, [StatusCode::CREATED; 10]);
}
