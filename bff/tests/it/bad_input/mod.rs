//! Bad input is answered with a problem that points at the field, and nothing is written.

mod fields;
mod tokens;

use axum::http::StatusCode;
use reqwest::RequestBuilder;
use runtime::testing::{TestService, operator};
use serde_json::{Value, json};

use crate::app::{acceptance, bff, count, partner123, publish_key};

const ACCEPT: &str = "/api/v1/campaigns/camp123/accept";
const CAMPAIGNS: &str = "/api/v1/campaigns";
const TERMS: &str = "/api/v1/campaigns/camp123/terms";
const EVIDENCE: &str = "/api/v1/evidence/upload";
const LINKS: &str = "/api/v1/links";
const EVENTS: &str = "/api/v1/tracking/events";
const PAYMENTS: &str = "/api/v1/payments/request";
/// The routes whose requests have a body.
const ROUTES: [&str; 7] = [ACCEPT, CAMPAIGNS, TERMS, EVIDENCE, LINKS, EVENTS, PAYMENTS];

/// A body that is taken, for each route that has one.
fn right(path: &str) -> Value {
    match path {
        ACCEPT => {
            let mut body = acceptance();
            body["partner_id"] = "partner123".into();
            body
        }
        CAMPAIGNS => {
            json!({"brand_id": "b1", "name": "One", "currency": "USD", "allowed_hosts": ["a.example"]})
        }
        TERMS => {
            json!({"text": "Be fair.", "window_days": 30, "plan": {"sale": {"bps": 1_000}, "hold_days": 0}})
        }
        EVIDENCE => {
            json!({"campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://a.example/p.jpg", "partner_id": "p"})
        }
        LINKS => {
            json!({"campaign_id": "camp123", "target_url": "https://a.example/", "partner_id": "p"})
        }
        EVENTS => {
            json!({"user_id": "user123", "event_type": "purchase", "metadata": {"amount": 100.0}})
        }
        PAYMENTS => json!({"amount": 150.00, "currency": "USD", "payment_method": "paypal",
            "account_details": {"email": "user@example.com"}, "partner_id": "p"}),
        _ => json!({}),
    }
}

/// The body with one field set to something else (or, with null, taken away).
fn with(path: &str, pointer: &str, value: &Value) -> Value {
    let mut body = right(path);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items.push(value.clone()),
        parent if value.is_null() => {
            parent.as_object_mut().unwrap().remove(name);
        }
        parent => parent[name] = value.clone(),
    }
    body
}

#[tokio::test]
async fn each_wrong_field_is_pointed_at_and_nothing_is_written() {
    let app = bff().await;
    publish_key(&app, "key1", 3_600).await;
    for (path, field, value, pointer) in fields::wrong_fields() {
        let pointer = if pointer.is_empty() { field } else { pointer };
        let body = with(path, field, &value);
        let (status, problem) = app.post(path, &operator(), &body).await;
        let what = format!("{path} {field} = {value}: {problem}");
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        let pointers = problem["errors"].as_array().unwrap();
        assert!(pointers.iter().any(|e| e["pointer"] == pointer), "{what}");
    }
    nothing_is_written(&app).await;
    for path in ROUTES {
        let (status, problem) = app.post(path, &operator(), &right(path)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{path}: {problem}");
    }
}

async fn nothing_is_written(app: &TestService) {
    for table in ["commands", "outcomes", "pipeline.message_log"] {
        assert_eq!(count(app, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_field_that_says_two_things_is_refused() {
    let app = bff().await;
    for (field, beside, inside) in [
        ("amount", json!("1"), json!(2)),
        ("order_id", json!("o1"), json!("o2")),
        ("campaign_id", json!("c1"), json!("c2")),
        ("currency", json!("USD"), json!("EUR")),
    ] {
        let mut body = right(EVENTS);
        body[field] = beside;
        body["metadata"][field] = inside;
        let (status, problem) = app.post(EVENTS, &operator(), &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        let pointer = format!("/metadata/{field}");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    nothing_is_written(&app).await;
}

fn to(app: &TestService, path: &str) -> RequestBuilder {
    app.client
        .post(format!("{}{path}", app.base_url))
        .bearer_auth(partner123())
}

#[tokio::test]
async fn what_is_no_request_of_ours_is_refused_by_what_is_wrong_with_it() {
    let app = bff().await;
    let json = |path, body: &str| {
        to(&app, path)
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    let event = r#"{"user_id":"u","event_type":"click","metadata":{"a":1,"a":2}}"#;
    for (request, status) in [
        (json(EVENTS, "{"), 400),
        (
            json(EVENTS, r#"{"user_id":"u","event_type":"click"} {}"#),
            400,
        ),
        (json(EVENTS, &"[".repeat(40)), 400),
        (json(EVENTS, "[]"), 422),
        (json(EVENTS, "\"text\""), 422),
        (json(EVENTS, event), 422),
        (
            json(
                EVENTS,
                r#"{"user_id":"u","user_id":"v","event_type":"click"}"#,
            ),
            422,
        ),
        (
            json(
                EVENTS,
                &format!("{{\"user_id\":\"{}\"}}", "u".repeat(70_000)),
            ),
            413,
        ),
        (to(&app, EVENTS).body("a=1"), 415),
        (
            to(&app, "/api/v1/campaigns/a%20b/accept").json(&acceptance()),
            400,
        ),
        (
            to(
                &app,
                &format!("/api/v1/campaigns/{}/accept", "c".repeat(65)),
            )
            .json(&acceptance()),
            400,
        ),
        (
            to(&app, ACCEPT)
                .json(&acceptance())
                .header("idempotency-key", "a b"),
            400,
        ),
        (
            to(&app, ACCEPT)
                .json(&acceptance())
                .header("idempotency-key", "k".repeat(129)),
            400,
        ),
        (
            to(&app, ACCEPT)
                .json(&acceptance())
                .header("x-correlation-id", "mine"),
            400,
        ),
        (to(&app, "/api/v1/commands").json(&acceptance()), 405),
        (to(&app, "/api/v1/nowhere").json(&acceptance()), 404),
    ] {
        let response = request.send().await.unwrap();
        let reported = response.status().as_u16();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let text = response.text().await.unwrap();
        assert_eq!(
            (reported, kind.as_str()),
            (status, "application/problem+json"),
            "{text}"
        );
    }
    nothing_is_written(&app).await;
}

#[tokio::test]
async fn wrong_parameters_of_reads_are_named() {
    let app = bff().await;
    for (path, parameter) in [
        ("/api/v1/commands?limit=0", "limit"),
        ("/api/v1/commands?limit=201", "limit"),
        ("/api/v1/commands?limit=many", "limit"),
        ("/api/v1/commands?cursor=abc", "cursor"),
        ("/api/v1/commands?status=done", "status"),
        ("/api/v1/commands?surprise=1", "surprise"),
        ("/api/v1/commands/7", "id"),
        ("/api/v1/commissions?partner_id=a%20b", "partner_id"),
        ("/api/v1/commissions?status=lost", "status"),
        ("/api/v1/commissions/a%20b", "id"),
        ("/api/v1/payouts?status=lost", "status"),
        ("/api/v1/balances?currency=usd", "currency"),
    ] {
        let (status, problem) = app.get(path, &operator()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
        assert_eq!(
            problem["errors"][0]["parameter"], parameter,
            "{path}: {problem}"
        );
    }
}
