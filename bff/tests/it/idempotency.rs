//! An `Idempotency-Key` makes any write repeatable.

use axum::http::StatusCode;
use chassis::auth::Role;
use runtime::testing::{claims, mint, partner, rows};
use serde_json::json;
use types::ids::Asker;

use crate::app::{acceptance, bff, count, id, partner123};

const PATH: &str = "/api/v1/campaigns/camp123/accept";
/// `printf k1 | sha256sum`
pub(crate) const SHA256_OF_K1: &str =
    "6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0";

#[tokio::test]
async fn the_same_key_and_body_is_the_same_command_and_the_same_answer() {
    let app = bff().await;
    let token = partner123();
    let first = app.post_with_key(PATH, &token, "k1", &acceptance()).await;
    let second = app.post_with_key(PATH, &token, "k1", &acceptance()).await;
    assert_eq!(first.0, StatusCode::ACCEPTED);
    assert_eq!(first, second);
    let command = id(&first.1["command_id"]);
    let asker = Asker {
        subject: "partner123",
        partner: Some("partner123"),
        brand: None,
    };
    let kind = "campaign.accept.command.v1";
    assert_eq!(command, asker.command_id(kind, SHA256_OF_K1));
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
async fn a_key_means_one_thing_for_each_kind_of_command() {
    let app = bff().await;
    let token = partner123();
    let link = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/p"});
    let seen = json!({"user_id": "user123", "event_type": "page_view"});
    let writes = [
        (PATH, acceptance()),
        ("/api/v1/links", link),
        ("/api/v1/tracking/events", seen),
    ];
    for (path, body) in &writes {
        let first = app.post_with_key(path, &token, "k1", body).await;
        let again = app.post_with_key(path, &token, "k1", body).await;
        assert_eq!(first.0, StatusCode::ACCEPTED, "{path}: {}", first.1);
        assert_eq!(first, again);
    }
    assert_eq!(count(&app, "commands").await, 3);
}

#[tokio::test]
async fn a_partner_and_a_brand_of_one_name_share_neither_keys_nor_commands() {
    let app = bff().await;
    let tokens = [
        mint(&claims("acme").partner("acme")),
        mint(&claims("acme").brand("acme")),
    ];
    let path = "/api/v1/tracking/events";
    let seen = json!({"user_id": "user123", "event_type": "page_view"});
    let mut commands = Vec::new();
    for token in &tokens {
        let (status, answer) = app.post_with_key(path, token, "k1", &seen).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        commands.push(id(&answer["command_id"]));
    }
    assert_ne!(commands[0], commands[1]);
    for (own, token) in tokens.iter().enumerate() {
        for (of, command) in commands.iter().enumerate() {
            let path = format!("/api/v1/commands/{command}");
            let status = app.get(&path, token).await.0;
            let due = if own == of {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(status, due);
        }
        let (_, page) = app.get("/api/v1/commands", token).await;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page}");
        assert_eq!(items[0]["command_id"], commands[own].to_string());
    }
}

#[tokio::test]
async fn who_gains_a_role_keeps_its_commands_and_keys() {
    let app = bff().await;
    let more = mint(
        &claims("partner123")
            .partner("partner123")
            .role(Role::Operator),
    );
    let first = app
        .post_with_key(PATH, &partner123(), "k1", &acceptance())
        .await;
    let again = app.post_with_key(PATH, &more, "k1", &acceptance()).await;
    assert_eq!(first, again);
    let (_, page) = app.get("/api/v1/commands", &more).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn a_key_is_kept_as_its_hash_alone() {
    let app = bff().await;
    let key = "somebody@example.com";
    app.post_with_key(PATH, &partner123(), key, &acceptance())
        .await;
    let kept = rows(app.pool(), "commands").await;
    assert!(kept.len() == 1 && !kept[0].contains(key), "{kept:?}");
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
}
