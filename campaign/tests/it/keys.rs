//! API keys at campaign: made, shown once, listed, rotated, revoked.

use std::fmt::Write;

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use messaging::Answer;
use runtime::testing::{self, TestService};
use schemas::{Actor, Body, CreateApiKeyV1, RevokeApiKeyV1, Topic};
use serde_json::{Value, json};

use crate::app;

const KEYS: &str = "/api/v1/campaign/keys";

fn wanted() -> Value {
    json!({"scopes": ["conversions.write", "reports.read"]})
}

async fn delete(service: &TestService, path: &str, token: &str) -> (StatusCode, Value) {
    let url = format!("{}{path}", service.base_url);
    let request = service.client.delete(url).bearer_auth(token);
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Everything that is kept and said of a key, in tables and in the log.
async fn kept(service: &TestService) -> String {
    let mut kept = String::new();
    for table in ["api_keys", "pipeline.inbox", "pipeline.message_log"] {
        kept.push_str(&testing::rows(service.pool(), table).await.join("\n"));
    }
    for message in service.log().await {
        write!(kept, "{message:?}").unwrap();
    }
    kept
}

#[tokio::test]
async fn a_key_is_shown_once_then_listed_without_its_secret_rotated_and_revoked() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let made = app::post(&service, KEYS, &brand, &wanted(), StatusCode::CREATED).await;
    let id = made["key_id"].as_str().unwrap().to_owned();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let prefix = made["prefix"].as_str().unwrap();
    assert!(types::is_api_key(&secret), "{secret}");
    assert!(secret.starts_with(&format!("trib_{prefix}_")));

    let path = format!("{KEYS}/{id}");
    let shown = app::get(&service, &path, &brand).await;
    assert_eq!(shown["status"], "active");
    assert_eq!(shown["prefix"], prefix);
    assert_eq!(
        shown["scopes"],
        json!(["conversions.write", "reports.read"])
    );
    let listed = app::get(&service, KEYS, &brand).await;
    assert_eq!(listed["items"], json!([shown]));
    assert!(!listed.to_string().contains("hash"));

    let (rotate, overlap) = (format!("{path}/rotate"), json!({"overlap_seconds": 60}));
    let rotated = app::post(&service, &rotate, &brand, &overlap, StatusCode::OK).await;
    let newer = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["key_id"], id.as_str());
    assert_ne!(newer, secret);
    assert!(rotated["previous_until"].is_string(), "{rotated}");

    let (status, revoked) = delete(&service, &path, &brand).await;
    assert_eq!(status, StatusCode::OK, "{revoked}");
    assert_eq!(app::get(&service, &path, &brand).await["status"], "revoked");
    let (status, again) = delete(&service, &path, &brand).await;
    assert_eq!(
        (status, &again["code"]),
        (StatusCode::CONFLICT, &json!("api_key_revoked"))
    );
    let no = json!({});
    let refused = app::post(&service, &rotate, &brand, &no, StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "api_key_revoked");

    let kept = kept(&service).await;
    assert!(kept.contains(&id), "the test looks at nothing");
    for secret in [&secret, &newer] {
        assert!(!kept.contains(&secret[14..]), "a secret is kept");
    }
    let kinds = app::log_kinds(&service).await;
    assert_eq!(
        kinds[..3],
        [
            "api_key.created.v1",
            "api_key.rotated.v1",
            "api_key.revoked.v1"
        ]
    );
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &["api_keys"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn who_repeats_a_request_by_its_key_is_told_of_the_same_api_key_and_shown_no_secret() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let (_, first) = service.post_with_key(KEYS, &brand, "k1", &wanted()).await;
    let (status, again) = service.post_with_key(KEYS, &brand, "k1", &wanted()).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(first["secret"].is_string());
    assert_eq!(again["secret"], json!(null));
    for field in ["key_id", "prefix"] {
        assert_eq!(first[field], again[field]);
    }
    let rotate = format!("{KEYS}/{}/rotate", first["key_id"].as_str().unwrap());
    let (_, first) = service
        .post_with_key(&rotate, &brand, "k2", &json!({}))
        .await;
    let (_, again) = service
        .post_with_key(&rotate, &brand, "k2", &json!({}))
        .await;
    assert!(first["secret"].is_string());
    assert_eq!(
        (&again["secret"], &again["prefix"]),
        (&json!(null), &first["prefix"])
    );
    assert_eq!(app::log_kinds(&service).await.len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_to_be_kept_on_its_way() {
    let service = app::start().await;
    let url = format!("{}{KEYS}", service.base_url);
    let request = service.client.post(url).json(&wanted());
    let request = request.bearer_auth(testing::brand("brand1"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    service.stop().await;
}

#[tokio::test]
async fn a_key_is_for_its_brand_and_operators_and_an_operator_says_for_whom() {
    let service = app::start().await;
    let (brand, operator) = (testing::brand("brand1"), testing::operator());
    let made = app::post(&service, KEYS, &brand, &wanted(), StatusCode::CREATED).await;
    let path = format!("{KEYS}/{}", made["key_id"].as_str().unwrap());
    let other = testing::brand("brand2");
    assert_eq!(service.get(&path, &other).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app::get(&service, KEYS, &other).await["items"], json!([]));
    let of_another = format!("{KEYS}?brand_id=brand1");
    assert_eq!(
        app::get(&service, &of_another, &other).await["items"],
        json!([])
    );
    assert_eq!(
        delete(&service, &path, &other).await.0,
        StatusCode::NOT_FOUND
    );
    let rotate = format!("{path}/rotate");
    app::post(&service, &rotate, &other, &json!({}), StatusCode::NOT_FOUND).await;
    let partner = testing::partner("partner1");
    app::post(&service, KEYS, &partner, &wanted(), StatusCode::FORBIDDEN).await;
    assert_eq!(service.get(KEYS, &partner).await.0, StatusCode::FORBIDDEN);

    app::post(
        &service,
        KEYS,
        &operator,
        &wanted(),
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await;
    let mut body = wanted();
    body["brand_id"] = json!("brand2");
    app::post(&service, KEYS, &brand, &body, StatusCode::NOT_FOUND).await;
    app::post(&service, KEYS, &operator, &body, StatusCode::CREATED).await;
    let all = app::get(&service, KEYS, &operator).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let some = app::get(&service, &of_another, &operator).await;
    assert_eq!(some["items"].as_array().unwrap().len(), 1);
    assert_eq!(delete(&service, &path, &operator).await.0, StatusCode::OK);
    service.stop().await;
}

/// After a restore that lost it: tracking takes it all the same.
#[tokio::test]
async fn an_operator_ends_a_key_that_campaign_does_not_know() {
    let service = app::start().await;
    let url = format!("{}{KEYS}/key_lost", service.base_url);
    let ask = async |token: String, body: Value| {
        let request = service.client.delete(&url).bearer_auth(token).json(&body);
        request.send().await.unwrap().status()
    };
    let named = json!({"brand_id": "brand1"});
    let by_brand = ask(testing::brand("brand1"), named.clone()).await;
    assert_eq!(by_brand, StatusCode::NOT_FOUND);
    let unnamed = ask(testing::operator(), json!({})).await;
    assert_eq!(unnamed, StatusCode::NOT_FOUND);
    assert_eq!(ask(testing::operator(), named).await, StatusCode::OK);
    let log = service.log().await;
    let revoked = log.iter().find(|it| it.header.kind == "api_key.revoked.v1");
    let revoked = revoked.unwrap();
    assert_eq!(revoked.header.subject, "key_lost");
    let Body::ApiKeyRevokedV1(body) = &revoked.body else {
        panic!("{revoked:?}");
    };
    assert_eq!(body.brand_id.as_str(), "brand1");
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &[])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn campaign_takes_no_key_and_says_who_does() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let made = app::post(&service, KEYS, &brand, &wanted(), StatusCode::CREATED).await;
    let secret = made["secret"].as_str().unwrap();
    for path in [KEYS, app::CAMPAIGNS] {
        let (status, problem) = service.get(path, secret).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("takes no API keys"), "{detail}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_producer_makes_and_ends_no_keys_not_even_of_its_own_brand() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let made = app::post(&service, KEYS, &brand, &wanted(), StatusCode::CREATED).await;
    let stolen = "11".repeat(32);
    let create = CreateApiKeyV1 {
        brand_id: "brand1".to_owned(),
        prefix: "0123abcd".to_owned(),
        hash: stolen,
        scopes: vec!["reports.read".to_owned()],
        expires_at: None,
    };
    let bodies: [Body; 2] = [create.into(), RevokeApiKeyV1 { brand_id: None }.into()];
    for (body, source, expected) in [
        (&bodies[0], "shop-of-brand1", "not_for_producers"),
        (&bodies[1], "shop-of-brand1", "not_for_producers"),
        // The bff's own command whose subject is not the key of its id.
        (&bodies[0], "bff", "unreadable"),
    ] {
        let key = made["key_id"].as_str().unwrap();
        let topic = Topic::CampaignCommands;
        let in_stream = (source == "bff").then_some(1);
        let mut message = testing::message(topic, key, key, body.clone(), in_stream);
        source.clone_into(&mut message.header.source);
        message.header.actor = Some(Actor {
            subject: format!("producer:{source}"),
            roles: vec!["brand".to_owned()],
            partner_id: None,
            brand_id: Some("brand1".to_owned()),
        });
        let answers = service.deliver_all(topic, vec![message]).await;
        let [Answer::Rejected { code, .. }] = &answers[..] else {
            panic!("{answers:?}");
        };
        assert_eq!(code, expected);
    }
    service.stop().await;
}
