//! Bad input is answered with a problem that points at the field, and nothing is written.

use axum::http::StatusCode;
use chassis::auth::Claims;
use host::testing::{SECRET, TestService, claims, mint, operator};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::app::{acceptance, bff, count, partner123, publish_key};

const ACCEPT: &str = "/api/v1/campaigns/camp123/accept";
const CAMPAIGNS: &str = "/api/v1/campaigns";
const TERMS: &str = "/api/v1/campaigns/camp123/terms";
const EVIDENCE: &str = "/api/v1/evidence/upload";
const LINKS: &str = "/api/v1/links";
const EVENTS: &str = "/api/v1/tracking/events";
const PAYMENTS: &str = "/api/v1/payments/request";

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

/// Route, field, what is put there, and where the problem points (empty: at the field itself).
type Row = (&'static str, &'static str, Value, &'static str);

fn wrong_fields() -> Vec<Row> {
    let routes = [ACCEPT, CAMPAIGNS, TERMS, EVIDENCE, LINKS, EVENTS, PAYMENTS];
    let mut rows = [
        in_acceptance(),
        in_campaigns(),
        in_terms(),
        in_evidence_and_links(),
        in_events(),
        in_payments(),
    ]
    .concat();
    rows.extend(routes.map(|path| (path, "/surprise", json!(1), "")));
    rows.push((TERMS, "/plan/surprise", json!(1), ""));
    let details = "/account_details/surprise";
    rows.push((PAYMENTS, details, json!("x"), ""));
    rows
}

fn in_acceptance() -> Vec<Row> {
    let deep = json!({"a": {"b": {"c": {"d": {}}}}});
    let large = json!({"a": "x".repeat(4_096)});
    vec![
        (ACCEPT, "/accepted_terms", json!(false), ""),
        (ACCEPT, "/accepted_terms", json!("yes"), ""),
        (ACCEPT, "/accepted_terms", json!(null), ""),
        (ACCEPT, "/terms_version", json!(0), ""),
        (ACCEPT, "/terms_version", json!(-1), ""),
        (ACCEPT, "/terms_version", json!(1.5), ""),
        (ACCEPT, "/terms_version", json!(3_000_000_000_u64), ""),
        (ACCEPT, "/partner_id", json!("a b"), ""),
        (ACCEPT, "/partner_id", json!(7), ""),
        (ACCEPT, "/metadata", json!("text"), ""),
        (ACCEPT, "/metadata", json!([1]), ""),
        (ACCEPT, "/metadata", deep, ""),
        (ACCEPT, "/metadata", large, ""),
    ]
}

fn in_campaigns() -> Vec<Row> {
    let long_id = "a".repeat(65);
    vec![
        (CAMPAIGNS, "/campaign_id", json!(long_id), ""),
        (CAMPAIGNS, "/campaign_id", json!(""), ""),
        (CAMPAIGNS, "/campaign_id", json!("caf\u{e9}"), ""),
        (CAMPAIGNS, "/brand_id", json!("a/b"), ""),
        (CAMPAIGNS, "/name", json!(""), ""),
        (CAMPAIGNS, "/name", json!("a\u{0}b"), ""),
        (CAMPAIGNS, "/name", json!("n".repeat(201)), ""),
        (CAMPAIGNS, "/name", json!(null), ""),
        (CAMPAIGNS, "/currency", json!("usd"), ""),
        (CAMPAIGNS, "/currency", json!("XXX"), ""),
        (CAMPAIGNS, "/currency", json!(840), ""),
        (CAMPAIGNS, "/allowed_hosts", json!([]), ""),
        (CAMPAIGNS, "/allowed_hosts", json!("a.example"), ""),
        (
            CAMPAIGNS,
            "/allowed_hosts/1",
            json!("https://a.example"),
            "",
        ),
        (CAMPAIGNS, "/allowed_hosts/1", json!("A.example"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("a.example"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("-a.example"), ""),
    ]
}

fn in_terms() -> Vec<Row> {
    vec![
        (TERMS, "/text", json!(""), ""),
        (TERMS, "/text", json!("bell\u{7}"), ""),
        (TERMS, "/text", json!("x".repeat(16_001)), ""),
        (TERMS, "/window_days", json!(0), ""),
        (TERMS, "/window_days", json!(366), ""),
        (TERMS, "/plan/hold_days", json!(-1), ""),
        (TERMS, "/plan/hold_days", json!(366), ""),
        (TERMS, "/plan/hold_days", json!(null), ""),
        (TERMS, "/plan/sale", json!(null), "/plan"),
        (TERMS, "/plan/sale", json!({}), ""),
        (TERMS, "/plan/sale/bps", json!(10_001), ""),
        (TERMS, "/plan/sale/bps", json!(-1), ""),
        (
            TERMS,
            "/plan/sale/flat",
            json!({"amount": 1, "currency": "USD"}),
            "/plan/sale",
        ),
        (
            TERMS,
            "/plan/lead",
            json!({"flat": {"amount": 0, "currency": "USD"}}),
            "/plan/lead/flat/amount",
        ),
        (
            TERMS,
            "/plan/lead",
            json!({"flat": {"amount": "0.001", "currency": "USD"}}),
            "/plan/lead/flat/amount",
        ),
        (
            TERMS,
            "/plan/lead",
            json!({"flat": {"amount": "1", "currency": "???"}}),
            "/plan/lead/flat/currency",
        ),
    ]
}

fn in_evidence_and_links() -> Vec<Row> {
    let long_id = "a".repeat(65);
    vec![
        (EVIDENCE, "/campaign_id", json!("camp 123"), ""),
        (EVIDENCE, "/campaign_id", json!(null), ""),
        (EVIDENCE, "/evidence_type", json!("a photo"), ""),
        (EVIDENCE, "/evidence_type", json!(""), ""),
        (EVIDENCE, "/file_url", json!("javascript:alert(1)"), ""),
        (
            EVIDENCE,
            "/file_url",
            json!("https://user:pass@a.example/"),
            "",
        ),
        (
            EVIDENCE,
            "/file_url",
            json!(format!("https://a.example/{}", "p".repeat(2_048))),
            "",
        ),
        (LINKS, "/code", json!("../etc"), ""),
        (LINKS, "/code", json!(long_id), ""),
        (LINKS, "/target_url", json!("/relative"), ""),
        (LINKS, "/campaign_id", json!("\u{202e}camp"), ""),
    ]
}

fn in_events() -> Vec<Row> {
    vec![
        (EVENTS, "/user_id", json!(""), ""),
        (EVENTS, "/user_id", json!("u".repeat(129)), ""),
        (EVENTS, "/user_id", json!(null), ""),
        (EVENTS, "/event_type", json!("buy it"), ""),
        (EVENTS, "/event_type", json!(null), ""),
        (EVENTS, "/occurred_at", json!("2999-01-01T00:00:00Z"), ""),
        (EVENTS, "/occurred_at", json!("yesterday"), ""),
        (EVENTS, "/occurred_at", json!(1_700_000_000), ""),
        (EVENTS, "/amount", json!(-1), ""),
        (EVENTS, "/amount", json!("1e3"), ""),
        (EVENTS, "/amount", json!("0.00001"), ""),
        (EVENTS, "/amount", json!("10000000000000000000"), ""),
        (EVENTS, "/amount", json!(99), ""),
        (EVENTS, "/currency", json!("dollars"), ""),
        (EVENTS, "/order_id", json!("o 1"), ""),
        (EVENTS, "/campaign_id", json!("c;drop"), ""),
        (EVENTS, "/click_id", json!("'"), ""),
        (EVENTS, "/product_id", json!("p\u{0}"), ""),
        (EVENTS, "/metadata/amount", json!(null), "/amount"),
        (EVENTS, "/metadata/amount", json!(-5), ""),
        (EVENTS, "/metadata/amount", json!(true), ""),
        (EVENTS, "/metadata/order_id", json!("o 1"), ""),
        (EVENTS, "/metadata/order_id", json!(5), ""),
        (EVENTS, "/metadata/currency", json!("EURO"), ""),
    ]
}

fn in_payments() -> Vec<Row> {
    vec![
        (PAYMENTS, "/amount", json!(0), ""),
        (PAYMENTS, "/amount", json!(-150), ""),
        (PAYMENTS, "/amount", json!("150.001"), ""),
        (PAYMENTS, "/amount", json!("1e2"), ""),
        (PAYMENTS, "/amount", json!("92233720368547758.08"), ""),
        (PAYMENTS, "/amount", json!(null), ""),
        (PAYMENTS, "/currency", json!("XYZ"), ""),
        (PAYMENTS, "/currency", json!(null), ""),
        (PAYMENTS, "/payment_method", json!("cash"), ""),
        (
            PAYMENTS,
            "/payment_method",
            json!("bank_transfer"),
            "/account_details/iban",
        ),
        (PAYMENTS, "/account_details", json!(null), ""),
        (
            PAYMENTS,
            "/account_details",
            json!({}),
            "/account_details/email",
        ),
        (PAYMENTS, "/account_details/email", json!("nobody"), ""),
        (PAYMENTS, "/account_details/email", json!(1), ""),
        (
            PAYMENTS,
            "/account_details/iban",
            json!("DE89370400440532013000"),
            "",
        ),
    ]
}

#[tokio::test]
async fn each_wrong_field_is_pointed_at_and_nothing_is_written() {
    let app = bff().await;
    publish_key(&app, "key1", 3_600).await;
    for (path, field, value, pointer) in wrong_fields() {
        let pointer = if pointer.is_empty() { field } else { pointer };
        let body = with(path, field, &value);
        let (status, problem) = app.post(path, &operator(), &body).await;
        let what = format!("{path} {field} = {value}: {problem}");
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        let pointers = problem["errors"].as_array().unwrap();
        assert!(pointers.iter().any(|e| e["pointer"] == pointer), "{what}");
    }
    nothing_is_written(&app).await;
    for path in [ACCEPT, CAMPAIGNS, TERMS, EVIDENCE, LINKS, EVENTS, PAYMENTS] {
        let (status, problem) = app.post(path, &operator(), &right(path)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{path}: {problem}");
    }
}

async fn nothing_is_written(app: &TestService) {
    for table in [
        "commands",
        "idempotency",
        "outcomes",
        "pipeline.message_log",
    ] {
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
        assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
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
        let told = response.status().as_u16();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let text = response.text().await.unwrap();
        assert_eq!(
            (told, kind.as_str()),
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

fn tokens() -> Vec<(&'static str, String)> {
    let partner = || claims("partner123").partner("partner123");
    let strange = |claims: Claims| mint(&claims);
    let (mut expired, mut early) = (partner(), partner());
    expired.exp = expired.iat.unwrap() - 120;
    early.nbf = Some(early.exp);
    let mut foreign =
        Claims::new("partner123", "tributary", "elsewhere", 600).partner("partner123");
    let audience = strange(foreign.clone());
    foreign = Claims::new("partner123", "stranger", "tributary", 600).partner("partner123");
    let other = secrecy::SecretString::from("another secret for tests, of more than 32 bytes");
    let other = chassis::auth::SigningKey::secret(&other).unwrap();
    let good = mint(&partner());
    let unsigned = {
        let body = good.split('.').nth(1).unwrap();
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.")
    };
    vec![
        ("expired", strange(expired)),
        ("not begun", strange(early)),
        ("of another issuer", strange(foreign)),
        ("for another audience", audience),
        ("by another key", other.mint(&partner()).unwrap()),
        ("unsigned", unsigned),
        ("cut", good[..good.len() - 2].to_owned()),
        ("the key itself", SECRET.replace(' ', "")),
        ("for an odd partner", strange(claims("p").partner("a b"))),
    ]
}

#[tokio::test]
async fn wrong_tokens_are_401_on_every_route() {
    let app = bff().await;
    for (what, token) in tokens() {
        for path in [ACCEPT, CAMPAIGNS, TERMS, EVIDENCE, LINKS, EVENTS, PAYMENTS] {
            let (status, problem) = app.post(path, &token, &right(path)).await;
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{what} at {path}: {problem}"
            );
        }
        for path in [
            "commands",
            "commissions",
            "payouts",
            "balances",
            "payouts/p",
        ] {
            let (status, _) = app.get(&format!("/api/v1/{path}"), &token).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{what} at {path}");
        }
    }
    let none = app.client.post(format!("{}{ACCEPT}", app.base_url));
    let status = none.json(&acceptance()).send().await.unwrap().status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    nothing_is_written(&app).await;
}
