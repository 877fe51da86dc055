use payout_simulator::Behaviour;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{TestApp, payout, settled_at_once};

#[tokio::test]
async fn a_payout_is_accepted_and_then_paid() {
    let app = TestApp::start(Behaviour {
        settle_ms: 3_600_000,
        ..Behaviour::default()
    })
    .await;
    let (status, body) = app.submit("p1").await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(body["state"], "accepted");
    assert_eq!(app.state("p1").await, "accepted");
    app.control(json!({ "settle_ms": 0 })).await;
    app.submit("p2").await;
    assert_eq!(app.state("p2").await, "paid");
}

#[tokio::test]
async fn a_repeated_reference_is_answered_and_not_paid_again() {
    let app = TestApp::start(settled_at_once()).await;
    let (_, first) = app.submit("p1").await;
    let (status, again) = app.submit("p1").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(app.taken().await, 1);
}

#[tokio::test]
async fn a_reference_of_another_amount_is_a_conflict() {
    let app = TestApp::start(settled_at_once()).await;
    app.submit("p1").await;
    let mut other = payout("p1");
    other["amount"] = json!("150.01");
    let answer = app.post("/v1/payouts", &other).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_reference_never_seen_is_not_found() {
    let app = TestApp::start(settled_at_once()).await;
    let (status, _) = app.get("/v1/payouts/p9").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_statement_pages_in_order_and_has_no_details() {
    let app = TestApp::start(settled_at_once()).await;
    for reference in ["p1", "p2", "p3"] {
        app.submit(reference).await;
    }
    let (_, page) = app.get("/v1/payouts?limit=2").await;
    assert_eq!(page["payouts"][1]["reference"], "p2");
    assert_eq!(page["next"], 2);
    let (_, rest) = app.get("/v1/payouts?limit=2&after=2").await;
    assert_eq!(rest["payouts"][0]["reference"], "p3");
    assert_eq!(rest["next"], Value::Null);
    assert!(!page.to_string().contains("example.com"));
}

#[tokio::test]
async fn a_full_ledger_takes_nothing_more_but_still_answers() {
    let app = TestApp::start(settled_at_once()).await;
    for reference in ["p1", "p2", "p3", "p4"] {
        app.submit(reference).await;
    }
    let (status, _) = app.submit("p5").await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(app.submit("p1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn odd_submissions_are_refused_and_take_nothing() {
    let app = TestApp::start(settled_at_once()).await;
    for (field, value) in [
        ("reference", json!("")),
        ("reference", json!("r".repeat(65))),
        ("amount", json!("-1")),
        ("amount", json!(150)),
        ("currency", json!("US")),
        ("method", json!("")),
        ("details", json!({})),
        ("surprise", json!(1)),
    ] {
        let mut body = payout("p1");
        body[field] = value;
        let status = app.post("/v1/payouts", &body).await.status();
        assert!(status.is_client_error(), "{field}: {status}");
    }
    let huge = json!({ "reference": "r".repeat(20_000) });
    assert_eq!(
        app.post("/v1/payouts", &huge).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(app.taken().await, 0);
}
