use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{message, operator, operator_actor, partner, until};
use schemas::{Body, Message, RequestPayoutV1, Topic};
use sealing::{Details, KeyPair, PublicKey, seal};
use serde_json::json;

use crate::app::{App, money};

pub(crate) async fn published(app: &App) -> PublicKey {
    let log = app.service.log().await;
    let mut keys = log.into_iter().filter_map(|message| match message.body {
        Body::SealingKeyPublishedV1(key) => {
            Some(PublicKey::new(message.header.subject, &key.public_key).unwrap())
        }
        _ => None,
    });
    keys.next_back().unwrap()
}

/// An operator's command to pay partner123 this much, its details sealed for that partner.
pub(crate) fn command(key: &PublicKey, sealed_for: &str, minor: i64) -> Message {
    command_to(r#"{"email":"user@example.com"}"#, key, sealed_for, minor)
}

fn command_to(details: &str, key: &PublicKey, sealed_for: &str, minor: i64) -> Message {
    let details = Details::parse(details.as_bytes()).unwrap();
    let body = Body::from(RequestPayoutV1 {
        amount: money(minor, "USD").into(),
        method: "paypal".to_owned(),
        sealed_details: seal(key, sealed_for, &details).unwrap(),
        key_id: key.id.clone(),
        masked: "user@example.com".to_owned(),
    });
    let subject = format!("pay_{}", uuid::Uuid::now_v7().simple());
    let mut message = message(Topic::PaymentCommands, "partner123", &subject, body, None);
    message.header.actor = Some(operator_actor());
    message
}

async fn ask(app: &mut App, key: &PublicKey, sealed_for: &str) -> Answer {
    let submitted = vec![command(key, sealed_for, 100)];
    let answers = app
        .service
        .deliver_all(Topic::PaymentCommands, submitted)
        .await;
    answers.into_iter().next().unwrap()
}

pub(crate) fn code(answer: &Answer) -> &str {
    match answer {
        Answer::Rejected { code, .. } => code,
        other => other.name(),
    }
}

#[tokio::test]
async fn sealed_details_are_held_to_the_rules_that_our_own_edges_keep() {
    let mut app = App::start().await;
    app.earn("partner123", 1_000).await;
    let key = published(&app).await;
    for details in [
        r#"{"email":"nobody"}"#,
        "{\"email\":\"\u{202e}user@example.com\"}",
        r#"{"email":"user@example.com","wallet":"w"}"#,
        r#"{"iban":"DE89370400440532013000"}"#,
    ] {
        let submitted = vec![command_to(details, &key, "partner123", 100)];
        let answers = app
            .service
            .deliver_all(Topic::PaymentCommands, submitted)
            .await;
        assert_eq!(code(&answers[0]), "details_unreadable", "{details}");
    }
    assert!(app.provider.taken().await.is_empty());
    assert_eq!(code(&ask(&mut app, &key, "partner123").await), "done");
}

#[tokio::test]
async fn details_sealed_to_the_published_key_are_opened_for_their_partner_only() {
    let mut app = App::start().await;
    app.earn("partner123", 1_000).await;
    let key = published(&app).await;
    assert_eq!(code(&ask(&mut app, &key, "partner123").await), "done");
    assert_eq!(
        code(&ask(&mut app, &key, "partner9").await),
        "details_unreadable"
    );
    let stranger = KeyPair::generate().unwrap();
    let other = PublicKey::new(key.id.clone(), &stranger.public).unwrap();
    assert_eq!(
        code(&ask(&mut app, &other, "partner123").await),
        "details_unreadable"
    );
    let unknown = PublicKey::new("key_unknown", key.bytes()).unwrap();
    assert_eq!(
        code(&ask(&mut app, &unknown, "partner123").await),
        "details_unreadable"
    );
    assert_eq!(app.balance("partner123", "payable").await, "9.00");
}

#[tokio::test]
async fn a_new_key_comes_before_the_old_one_ends_and_the_old_one_is_destroyed_later() {
    let app = App::start().await;
    let first = published(&app).await;
    app.service.advance_clock(24 * 86_400).await;
    until("a new key is published", || async {
        published(&app).await != first
    })
    .await;
    app.service.advance_clock(40 * 86_400).await;
    until("the old key is destroyed", || async {
        let left: Vec<String> = sqlx::query_scalar("SELECT id FROM aside.sealing_keys")
            .fetch_all(app.service.pool())
            .await
            .unwrap();
        !left.contains(&first.id)
    })
    .await;
}

#[tokio::test]
async fn an_operator_has_a_new_key_made_and_no_request_is_refused_meanwhile() {
    let mut app = App::start().await;
    app.earn("partner123", 100_000).await;
    let first = published(&app).await;
    app.granted("partner123", "1.00").await;
    let path = "/api/v1/operator/payment/keys/renew";
    let body = json!({"reason": "it is time"});
    let (status, _) = app.service.post(path, &partner("partner123"), &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, shown) = app.service.post(path, &operator(), &body).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["sealing_keys"][0]["id"], first.id.as_str());
    app.granted("partner123", "1.00").await;
    app.service.advance_clock(61).await;
    until("a new key is published", || async {
        app.granted("partner123", "1.00").await;
        published(&app).await != first
    })
    .await;
    let second = published(&app).await;
    assert_eq!(
        code(&ask(&mut app, &first, "partner123").await),
        "done",
        "under way for long"
    );
    assert_eq!(code(&ask(&mut app, &second, "partner123").await), "done");
    let (_, shown) = app
        .service
        .get("/api/v1/operator/payment/keys", &operator())
        .await;
    let ids = shown["sealing_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["id"]);
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [second.id.as_str(), first.id.as_str()]
    );
    // A key that ended long ago is destroyed when it is looked again whether a new one is due.
    let over = "INSERT INTO aside.sealing_keys SELECT (jsonb_populate_record(k, '{\"id\": \"key_over\", \"not_after\": 0}')).*
        FROM aside.sealing_keys k LIMIT 1";
    sqlx::query(over).execute(app.service.pool()).await.unwrap();
    app.service.advance_clock(61).await;
    app.granted("partner123", "1.00").await;
    until("it was looked again", || async {
        let left = "SELECT count(*) FROM aside.sealing_keys WHERE id = 'key_over'";
        let left: i64 = sqlx::query_scalar(left)
            .fetch_one(app.service.pool())
            .await
            .unwrap();
        left == 0
    })
    .await;
    assert_eq!(published(&app).await, second, "one wish, one key");
}

/// The bff may seal to one that the backup did not have.
#[tokio::test]
async fn a_new_key_is_made_once_the_database_has_gone_back() {
    let app = App::start().await;
    let first = published(&app).await;
    app.service.advance_clock(1).await;
    let raised = "INSERT INTO pipeline.epoch
        SELECT 2, position, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + clock_offset FROM pipeline.log_head";
    let pool = app.service.pool();
    sqlx::query(raised).execute(pool).await.unwrap();
    app.service.advance_clock(61).await;
    until("a new key is published", || async {
        published(&app).await != first
    })
    .await;
    let over = "INSERT INTO aside.sealing_keys SELECT (jsonb_populate_record(k, '{\"id\": \"key_over\", \"not_after\": 0}')).*
        FROM aside.sealing_keys k LIMIT 1";
    sqlx::query(over).execute(pool).await.unwrap();
    let second = published(&app).await;
    app.service.advance_clock(61).await;
    until("it was looked again", || async {
        let left = "SELECT count(*) FROM aside.sealing_keys WHERE id = 'key_over'";
        let left: i64 = sqlx::query_scalar(left).fetch_one(pool).await.unwrap();
        left == 0
    })
    .await;
    assert_eq!(published(&app).await, second, "one raise, one key");
}
