//! Timelines beside services that are there, away, or silent.

use std::net::TcpListener;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
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

/// Has a request taken, and returns its correlation id.
async fn taken(
    bff: &TestService,
    token: &str,
    (method, path): (Method, &str),
    body: &Value,
) -> String {
    let request = Uuid::now_v7().to_string();
    let url = format!("{}/api/v1/{path}", bff.base_url);
    let sent = bff.client.request(method, url).bearer_auth(token);
    let sent = sent.header("x-correlation-id", &request).json(body);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{path}");
    request
}

/// The messages of a timeline, once there are these.
async fn messages_until(
    bff: &TestService,
    token: &str,
    request: &str,
    kinds: &[&str],
) -> Vec<Value> {
    let path = format!("/api/v1/timeline/{request}");
    let are_they = |shown: &Value| {
        let messages = shown["messages"].as_array().unwrap();
        messages.iter().map(|it| &it["type"]).eq(kinds)
    };
    let mut shown = read_until(bff, token, &path, are_they).await;
    let Value::Array(messages) = shown["messages"].take() else {
        panic!("{shown}")
    };
    messages
}

async fn is_nobodys(bff: &TestService, token: &str, request: &str) {
    let path = format!("/api/v1/timeline/{request}");
    until("it is nothing of theirs", || async {
        bff.get(&path, token).await.0 == StatusCode::NOT_FOUND
    })
    .await;
}

/// What a brand and a partner change by themselves, at the id that was made last: how, with what body, by which command, with what event.
#[rustfmt::skip]
const CHANGES: [(Method, &str, &str, &str, &str); 10] = [
    (Method::POST, "partners/partner123/ban", r#"{"reason": "terms_violated"}"#, "ban_partner", "partner.banned.v1"),
    (Method::POST, "partners/partner123/unban", "{}", "unban_partner", "partner.unbanned.v1"),
    (Method::POST, "keys", r#"{"scopes": ["conversions.write"]}"#, "create_api_key", "api_key.created.v1"),
    (Method::POST, "keys/{made}/rotate", r#"{"overlap_seconds": 3600}"#, "rotate_api_key", "api_key.rotated.v1"),
    (Method::DELETE, "keys/{made}", "{}", "revoke_api_key", "api_key.revoked.v1"),
    (Method::POST, "groups", r#"{"name": "Gold", "link_limit": 5}"#, "create_group", "group.created.v1"),
    (Method::PATCH, "groups/{made}", r#"{"link_limit": 7}"#, "change_group", "group.changed.v1"),
    (Method::POST, "partners/partner123/group", r#"{"group_id": "{made}"}"#, "move_partner", "partner.moved.v1"),
    (Method::PATCH, "brands/brand1", r#"{"currency": "EUR"}"#, "change_brand", "brand.changed.v1"),
    (Method::PATCH, "partners/partner123", r#"{"country": "DE"}"#, "change_partner", "partner.changed.v1"),
];

#[tokio::test]
async fn who_changes_keys_groups_bans_and_records_sees_what_came_of_it_and_a_stranger_nothing() {
    let (bff, _campaign) = both("http").await;
    let (of_brand, of_partner) = (brand("brand1"), partner123());
    let strangers = [
        brand("brand2"),
        partner("partner9"),
        partner("brand1"),
        brand("partner123"),
    ];
    let mut made = String::new();
    for (method, path, body, act, event) in CHANGES {
        let (own, other) = match act {
            "change_partner" => (&of_partner, &of_brand),
            _ => (&of_brand, &of_partner),
        };
        let body = serde_json::from_str(&body.replace("{made}", &made)).unwrap();
        let path = path.replace("{made}", &made);
        let request = taken(&bff, own, (method, &path), &body).await;
        let command = format!("campaign.{act}.command.v1");
        let shown = messages_until(&bff, own, &request, &[&command, event]).await;
        assert_eq!(shown[0]["outcome"]["event_id"], shown[1]["id"], "{act}");
        assert_eq!(shown[0]["outcome"]["status"], "completed", "{act}");
        assert_eq!(shown[1]["caused_by"], shown[0]["id"], "{act}");
        let text = json!(shown).to_string();
        for secret in ["hash", "prefix", "sealed"] {
            assert!(!text.contains(secret), "{text}");
        }
        if event.ends_with(".created.v1") {
            shown[1]["subject"].as_str().unwrap().clone_into(&mut made);
        }
        match act {
            "ban_partner" | "unban_partner" => {
                let shown = messages_until(&bff, other, &request, &[event]).await;
                assert_eq!(shown[0]["data"]["brand_id"], "brand1");
            }
            _ => is_nobodys(&bff, other, &request).await,
        }
        for stranger in &strangers {
            is_nobodys(&bff, stranger, &request).await;
        }
    }
}

#[tokio::test]
async fn a_ban_of_all_campaigns_is_shown_to_its_partner_and_to_no_brand() {
    let (bff, _campaign) = both("http").await;
    for (act, body) in [
        ("ban", json!({"reason": "terms_violated"})),
        ("unban", json!({})),
    ] {
        let path = format!("partners/partner123/{act}");
        let request = taken(&bff, &operator(), (Method::POST, &path), &body).await;
        let (command, event) = (
            format!("campaign.{act}_partner.command.v1"),
            format!("partner.{act}ned.v1"),
        );
        messages_until(&bff, &operator(), &request, &[&command, &event]).await;
        let shown = messages_until(&bff, &partner123(), &request, &[&event]).await;
        assert_eq!(shown[0]["data"]["brand_id"], Value::Null);
        assert_eq!(shown[0]["data"]["reason"], body["reason"]);
        for stranger in [brand("brand1"), brand("brand2"), partner("partner9")] {
            is_nobodys(&bff, &stranger, &request).await;
        }
    }
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
