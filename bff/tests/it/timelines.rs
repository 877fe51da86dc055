//! Timelines beside services that are there, away, or silent.

use std::net::TcpListener;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::future::join_all;
use runtime::testing::{TestService, brand, operator, partner, unmade_database, until, variables};
use schemas::Service;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{acceptance, bff, partner123};
use crate::operator::both;

/// What is read of a request once it fits: who does not answer in time is missing.
async fn read_until(
    bff: &TestService,
    token: &str,
    path: &str,
    fits: impl Fn(&Value) -> bool,
) -> Value {
    let found = Mutex::new(Value::Null);
    until(path, || async {
        let (status, shown) = bff.get(path, token).await;
        let is_it = status == StatusCode::OK && fits(&shown);
        *found.lock().unwrap() = shown;
        is_it
    })
    .await;
    found.into_inner().unwrap()
}

/// Has a campaign made, by a request of this correlation id.
async fn create_campaign(campaign: &TestService, request: &str) {
    let body = json!({"campaign_id": "c1", "name": "One", "currency": "USD", "allowed_hosts": ["a.example"]});
    let url = format!("{}/api/v1/campaign/campaigns", campaign.base_url);
    let made = campaign.client.post(url).bearer_auth(brand("brand1"));
    let made = made.header("x-correlation-id", request).json(&body);
    assert_eq!(made.send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_command_that_came_to_its_service_itself_begins_its_timeline() {
    let (bff, campaign) = both("http").await;
    let request = Uuid::now_v7().to_string();
    create_campaign(&campaign, &request).await;
    let path = format!("/api/v1/timeline/{request}");
    let away = ["tracking", "commission", "payment", "notify"];
    let shown = read_until(&bff, &operator(), &path, |shown| {
        let missing = shown["missing"].as_array().unwrap();
        let mut missing = missing.iter();
        missing.len() == away.len() && missing.all(|it| it["reason"] == "it cannot be reached")
    })
    .await;
    let (command, event) = (&shown["messages"][0], &shown["messages"][1]);
    assert_eq!(command["type"], "campaign.create.command.v1", "{shown:#}");
    assert!(command["position"].is_null(), "it is in no log");
    assert_eq!(command["outcome"]["event_id"], event["id"]);
    assert_eq!(event["type"], "campaign.created.v1");
    assert_eq!(event["caused_by"], command["id"]);
    assert_eq!(event["position"], 1);
    for missing in shown["missing"].as_array().unwrap() {
        assert!(away.contains(&missing["service"].as_str().unwrap()));
    }

    let has_one = |own: &Value| own["messages"].as_array().is_some_and(|it| it.len() == 1);
    let own = read_until(&bff, &brand("brand1"), &path, has_one).await;
    let messages = own["messages"].as_array().unwrap();
    assert_eq!(messages[0]["data"]["brand_id"], "brand1");
    assert!(messages[0]["data"]["allowed_hosts"].is_null());
    let nobodys = format!("/api/v1/timeline/{}", Uuid::now_v7());
    for token in [brand("brand2"), partner("brand1")] {
        for path in [&path, &nobodys] {
            until("it is nothing of theirs", || async {
                bff.get(path, &token).await.0 == StatusCode::NOT_FOUND
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_partner_sees_its_own_however_much_of_others_its_request_led_to_before() {
    // Nothing gets to campaign by a broker that is away.
    let (bff, campaign) = both("hybrid").await;
    let request = Uuid::now_v7();
    create_campaign(&campaign, &request.to_string()).await;
    sqlx::query(
        "INSERT INTO pipeline.message_log (position, id, type, key, subject, time, correlation_id, schema_id, body)
         SELECT 1000 + n, gen_random_uuid(), type, key, subject, time, correlation_id, schema_id, body
           FROM (SELECT * FROM pipeline.message_log WHERE correlation_id = $1 LIMIT 1) first, generate_series(1, 1100) n",
    )
    .bind(request)
    .execute(campaign.pool())
    .await
    .unwrap();
    let url = format!("{}/api/v1/campaigns/camp123/accept", bff.base_url);
    let accepted = bff.client.post(url).bearer_auth(partner123());
    let accepted = accepted.header("x-correlation-id", request.to_string());
    let accepted = accepted.json(&acceptance()).send().await.unwrap();
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    let path = format!("/api/v1/timeline/{request}");
    let has_answers = |shown: &Value, messages: usize| {
        let count = |list: &str| shown[list].as_array().map_or(0, Vec::len);
        count("missing") == 4 && count("messages") >= messages
    };
    let all = |shown: &Value| has_answers(shown, 1_000);
    let shown = read_until(&bff, &operator(), &path, all).await;
    assert_eq!(shown["truncated"], true);
    let own = |shown: &Value| has_answers(shown, 1);
    let own = read_until(&bff, &partner123(), &path, own).await;
    let messages = own["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1, "{own:#}");
    assert_eq!(messages[0]["type"], "campaign.accept.command.v1");
}

#[tokio::test]
async fn a_silent_service_is_named_in_time_and_beyond_the_bound_questions_are_refused() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut variables = variables(Service::Bff, &unmade_database());
    variables.insert("PAYMENT_SERVICE_URL".to_owned(), url);
    let bff = TestService::start_with(bff::define, variables).await;
    let command = crate::app::accept(&bff, &partner123()).await;
    let (_, command) = bff
        .get(&format!("/api/v1/commands/{command}"), &partner123())
        .await;
    let request = command["correlation_id"].as_str().unwrap();
    let begun = Instant::now();
    let path = format!("/api/v1/timeline/{request}");
    let (status, shown) = bff.get(&path, &operator()).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert!(begun.elapsed() < Duration::from_secs(3));
    let missing = shown["missing"].as_array().unwrap();
    let silent = json!({"service": "payment", "reason": "it did not answer in time"});
    assert!(missing.contains(&silent), "{missing:?}");
    assert_eq!(shown["messages"][0]["followers"][0]["state"], "unknown");

    let begun = Instant::now();
    let answers = join_all((0..24).map(|_| async { bff.get(&path, &operator()).await })).await;
    assert!(begun.elapsed() < Duration::from_secs(6));
    let refused: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status == StatusCode::SERVICE_UNAVAILABLE)
        .collect();
    assert!(!refused.is_empty());
    for (_, problem) in &refused {
        assert_eq!(problem["code"], "overloaded", "{problem}");
    }
    let shown = answers.iter().filter(|(status, _)| status.is_success());
    assert_eq!(shown.count() + refused.len(), 24);
}

#[tokio::test]
async fn a_caller_who_is_nobody_is_refused_before_anything_is_looked_for() {
    let bff = bff().await;
    let nobody = runtime::testing::mint(&runtime::testing::claims("nobody"));
    let id = Uuid::now_v7();
    for path in [
        format!("timeline/{id}"),
        format!("timeline?conversion_id={id}"),
        format!("conversions/{id}/explanation"),
        format!("commissions/{id}/explanation"),
        format!("transfers/{id}/explanation"),
        "explanations?order_id=o1".to_owned(),
    ] {
        let (status, _) = bff.get(&format!("/api/v1/{path}"), &nobody).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
}
