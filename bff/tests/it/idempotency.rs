//! An `Idempotency-Key` makes any write repeatable.

use axum::http::StatusCode;
use host::testing::partner;
use money::ids::client_command_id;
use serde_json::json;

use crate::app::{acceptance, bff, count, id, partner123};

const PATH: &str = "/api/v1/campaigns/camp123/accept";

#[tokio::test]
async fn the_same_key_and_body_is_the_same_command_and_the_same_answer() {
    let app = bff().await;
    let token = partner123();
    let first = app.post_with_key(PATH, &token, "k1", &acceptance()).await;
    let second = app.post_with_key(PATH, &token, "k1", &acceptance()).await;
    assert_eq!(first.0, StatusCode::ACCEPTED);
    assert_eq!(first, second);
    let command = id(&first.1["command_id"]);
    assert_eq!(command, client_command_id("partner123", "k1"));
    assert_eq!(count(&app, "pipeline.message_log").await, 1);
    assert_eq!(count(&app, "commands").await, 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_or_path_is_refused() {
    let app = bff().await;
    let token = partner123();
    app.post_with_key(PATH, &token, "k1", &acceptance()).await;
    let other_body = json!({"accepted_terms": true});
    let other_path = "/api/v1/campaigns/camp9/accept";
    for (path, body) in [(PATH, &other_body), (other_path, &acceptance())] {
        let (status, problem) = app.post_with_key(path, &token, "k1", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["code"], "idempotency_key_reused");
    }
    assert_eq!(count(&app, "pipeline.message_log").await, 1);
}

#[tokio::test]
async fn two_callers_may_use_the_same_key() {
    let app = bff().await;
    for name in ["partner123", "partner9"] {
        let (status, _) = app
            .post_with_key(PATH, &partner(name), "k1", &acceptance())
            .await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    assert_eq!(count(&app, "commands").await, 2);
}

#[tokio::test]
async fn many_at_once_with_one_key_are_one_command() {
    let app = bff().await;
    let token = partner123();
    let body = acceptance();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let request = app
            .client
            .post(format!("{}{PATH}", app.base_url))
            .bearer_auth(&token)
            .header("idempotency-key", "k1")
            .json(&body);
        tasks.spawn(async move {
            let response = request.send().await.unwrap();
            (response.status(), response.text().await.unwrap())
        });
    }
    let answers = tasks.join_all().await;
    for (status, answer) in &answers {
        assert_eq!((*status, answer), (StatusCode::ACCEPTED, &answers[0].1));
    }
    assert_eq!(count(&app, "commands").await, 1);
    assert_eq!(count(&app, "pipeline.message_log").await, 1);
}

#[tokio::test]
async fn without_a_key_each_write_is_a_command() {
    let app = bff().await;
    for _ in 0..2 {
        app.post(PATH, &partner123(), &acceptance()).await;
    }
    assert_eq!(count(&app, "commands").await, 2);
    assert_eq!(count(&app, "idempotency").await, 0);
}
