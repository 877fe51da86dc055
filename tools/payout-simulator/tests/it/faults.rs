use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use super::{Behaviour, TestApp, payout, settled_at_once};

async fn times_out(app: &TestApp, reference: &str) {
    let request = app
        .client
        .post(format!("{}/v1/payouts", app.base))
        .timeout(Duration::from_millis(300))
        .json(&payout(reference));
    assert!(request.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_failure_before_accepting_takes_nothing() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "fail_before", "fault_times": 1 }))
        .await;
    assert_eq!(app.submit("p1").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.taken().await, 0);
    assert_eq!(app.submit("p1").await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_time_out_before_accepting_takes_nothing() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "time_out_before" })).await;
    times_out(&app, "p1").await;
    assert_eq!(app.taken().await, 0);
}

#[tokio::test]
async fn a_time_out_after_paying_has_paid() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "time_out_after" })).await;
    times_out(&app, "p1").await;
    assert_eq!(app.state("p1").await, "paid");
}

#[tokio::test]
async fn an_error_reveals_nothing_about_what_was_paid() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "error_before" })).await;
    assert_eq!(app.submit("p1").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    app.control(json!({ "fault": "error_after" })).await;
    assert_eq!(app.submit("p2").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.taken().await, 1);
    assert_eq!(app.state("p2").await, "paid");
}

#[tokio::test]
async fn a_rejection_reveals_nothing_about_an_earlier_submission() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "reject_before" })).await;
    assert_eq!(app.submit("p1").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    app.control(json!({ "fault": "reject_after" })).await;
    assert_eq!(app.submit("p2").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.taken().await, 1);
    assert_eq!(app.state("p2").await, "paid");
}

#[tokio::test]
async fn a_refusal_names_its_reason() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "refuse", "reason": "closed" }))
        .await;
    let (_, body) = app.submit("p1").await;
    assert_eq!(
        (&body["state"], &body["reason"]),
        (&json!("failed"), &json!("closed"))
    );
}

#[tokio::test]
async fn a_payout_may_fail_after_it_was_accepted() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "fail_later", "settle_ms": 3_600_000 }))
        .await;
    assert_eq!(app.submit("p1").await.1["state"], "accepted");
    app.control(json!({ "settle_ms": 0 })).await;
    app.submit("p2").await;
    assert_eq!(app.state("p2").await, "failed");
}

#[tokio::test]
async fn a_forgotten_reference_is_paid_twice() {
    let app = TestApp::start(settled_at_once()).await;
    app.submit("p1").await;
    app.control(json!({ "key_lifetime_ms": 0 })).await;
    let (status, _) = app.get("/v1/payouts/p1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(app.submit("p1").await.0, StatusCode::CREATED);
    assert_eq!(app.taken().await, 2);
}

#[tokio::test]
async fn look_ups_can_be_switched_off() {
    let app = TestApp::start(settled_at_once()).await;
    app.submit("p1").await;
    app.control(json!({ "lookups_fail": true })).await;
    let (status, _) = app.get("/v1/payouts/p1").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_null_clears_what_was_set_and_odd_changes_are_refused() {
    let app = TestApp::start(settled_at_once()).await;
    app.control(json!({ "fault": "refuse", "key_lifetime_ms": 5 }))
        .await;
    app.control(json!({ "fault": null })).await;
    let (_, behaviour) = app.get("/control").await;
    assert_eq!(behaviour["fault"], json!(null));
    assert_eq!(behaviour["key_lifetime_ms"], 5);
    for odd in [
        json!({ "fault": "x" }),
        json!({ "speed": 1 }),
        json!({ "settle_ms": -1 }),
    ] {
        assert_eq!(app.control(odd).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn an_account_that_is_there_to_be_refused_is_taken_and_has_failed() {
    let app = TestApp::start(Behaviour::default()).await;
    let mut request = payout("p1");
    request["details"]["email"] = json!("refused+user@example.com");
    for _ in 0..2 {
        let answer = app.post("/v1/payouts", &request).await;
        assert!(answer.status().is_success());
        assert_eq!(app.state("p1").await, "failed");
    }
    assert_eq!(app.taken().await, 1);
}
