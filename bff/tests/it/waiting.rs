//! `Prefer: wait`.

use axum::http::StatusCode;
use reqwest::Response;
use runtime::testing::TestService;
use schemas::Topic;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::app::{acceptance, accepted, bff, count, deliver_outcome, last, partner123, rejected};

fn post(app: &TestService, prefer: &'static str) -> JoinHandle<Response> {
    let request = app
        .client
        .post(format!("{}/api/v1/campaigns/camp123/accept", app.base_url))
        .bearer_auth(partner123())
        .header("prefer", prefer)
        .json(&acceptance());
    #[allow(clippy::disallowed_methods, reason = "the test awaits it")]
    tokio::spawn(async move { request.send().await.unwrap() })
}

async fn taken(app: &TestService) {
    runtime::testing::until("the command is taken", || async {
        count(app, "commands").await == 1
    })
    .await;
}

#[tokio::test]
async fn the_answer_is_held_until_the_outcome() {
    let app = bff().await;
    let answer = post(&app, "wait=30");
    taken(&app).await;
    let command = last(&app).await;
    assert!(!answer.is_finished());
    let since = Instant::now();
    deliver_outcome(&app, Topic::CampaignEvents, &command, accepted()).await;
    let response = answer.await.unwrap();
    assert!(
        since.elapsed().as_millis() < 20_000,
        "{:?}",
        since.elapsed()
    );
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["preference-applied"], "wait=30");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "completed");
    assert_eq!(body["command_id"], command.header.id.to_string());
}

#[tokio::test]
async fn when_the_time_is_up_the_answer_is_that_it_is_pending() {
    let app = bff().await;
    let response = post(&app, "wait=1").await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "pending");
}

#[tokio::test]
async fn who_looks_at_a_pending_command_waits_for_its_outcome_until_it_is_there() {
    let app = bff().await;
    post(&app, "return=minimal").await.unwrap();
    let command = last(&app).await;
    let at = format!("/api/v1/commands/{}", command.header.id);
    let is_waited_for = || app.host.flow().is_waited_for();
    assert!(!is_waited_for(), "nobody looked");
    app.get(&at, &partner123()).await;
    assert!(is_waited_for());
    runtime::testing::until("nobody looks any more", || async { !is_waited_for() }).await;
    deliver_outcome(&app, Topic::CampaignEvents, &command, accepted()).await;
    runtime::testing::until("it has ended", || async {
        app.get(&at, &partner123()).await.1["status"] == "completed"
    })
    .await;
    runtime::testing::until("nobody waits for what has ended", || async {
        app.get(&at, &partner123()).await;
        !is_waited_for()
    })
    .await;
}

#[tokio::test]
async fn an_outcome_that_another_replica_projects_ends_the_wait_too() {
    let app = bff().await;
    let variables = runtime::testing::variables(schemas::Service::Bff, &app.database_url);
    let replica = TestService::start_with(bff::define, variables).await;
    let answer = post(&app, "wait=30");
    taken(&app).await;
    let command = last(&app).await;
    deliver_outcome(&replica, Topic::CampaignEvents, &command, accepted()).await;
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stop_lets_who_waits_go_at_once() {
    let app = bff().await;
    let answer = post(&app, "wait=30");
    taken(&app).await;
    let stopped = Instant::now();
    app.stop().await;
    let response = answer.await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert!(stopped.elapsed().as_secs() < 10, "{:?}", stopped.elapsed());
}

/// What a client that waits gets for a refusal by this service, with this code.
async fn refused(code: &str) -> (StatusCode, Value, String) {
    let app = bff().await;
    let answer = post(&app, "wait=30");
    taken(&app).await;
    let command = last(&app).await;
    deliver_outcome(&app, Topic::CampaignEvents, &command, rejected(code)).await;
    let response = answer.await.unwrap();
    assert_eq!(response.headers()["preference-applied"], "wait=30");
    let id = command.header.id;
    let at = format!("/api/v1/commands/{id}");
    assert_eq!(response.headers()["location"], at);
    let correlation_id = response.headers()["x-correlation-id"].to_str().unwrap();
    let correlation_id = correlation_id.to_owned();
    let (status, body) = (response.status(), response.json().await.unwrap());
    let (shown, command) = app.get(&at, &partner123()).await;
    assert_eq!((shown, &command["code"]), (StatusCode::OK, &code.into()));
    assert_eq!(command["correlation_id"], correlation_id);
    (status, body, correlation_id)
}

#[tokio::test]
async fn a_refusal_that_was_waited_for_is_the_problem_that_the_service_itself_answers() {
    let (status, body, correlation_id) = refused("already_accepted").await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    assert_eq!(body["type"], "urn:tributary:problem:already_accepted");
    assert_eq!(body["code"], "already_accepted");
    assert_eq!(body["errors"][0]["pointer"], "/terms_version");
    assert_eq!(body["errors"][0]["detail"], body["detail"]);
    assert_eq!(body["correlation_id"], correlation_id);
    assert!(body["command_id"].is_string(), "{body}");

    for (code, expected) in [
        ("campaign_unknown", StatusCode::NOT_FOUND),
        ("unreadable", StatusCode::UNPROCESSABLE_ENTITY),
        ("dropped_by_operator", StatusCode::CONFLICT),
    ] {
        let (status, body, _) = refused(code).await;
        assert_eq!((status, &body["code"]), (expected, &code.into()), "{body}");
    }
}
