//! What is not acceptable is refused at the edge, points at the field, and writes nothing.

use axum::http::StatusCode;
use chassis::auth::{Audience, Claims, SigningKey};
use runtime::testing::{self, TestService};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::app::{self, CAMPAIGNS, EVIDENCE};

/// A body with one field replaced; the pointer may lead deeper.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

/// A body with one field more.
fn plus(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// A body without one field.
fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().unwrap().remove(name);
    body
}

async fn head(service: &TestService) -> i64 {
    sqlx::query_scalar("SELECT position FROM pipeline.log_head")
        .fetch_one(service.pool())
        .await
        .unwrap()
}

/// Every body is refused with 422 and a pointer, and the log stays where it is.
async fn refuses(service: &TestService, path: &str, token: &str, bodies: Vec<(Value, &str)>) {
    let before = head(service).await;
    for (body, pointer) in bodies {
        let (status, problem) = service.post(path, token, &body).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {problem}"
        );
        let pointed = &problem["errors"][0]["pointer"];
        assert_eq!(pointed, pointer, "{body}: {problem}");
    }
    assert_eq!(head(service).await, before, "nothing is written");
}

#[tokio::test]
async fn a_campaign_with_a_field_that_is_not_acceptable_is_not_made() {
    let service = app::start().await;
    let good = || app::campaign("camp1");
    let bodies = vec![
        (with(good(), "/campaign_id", json!("")), "/campaign_id"),
        (
            with(good(), "/campaign_id", json!("a".repeat(65))),
            "/campaign_id",
        ),
        (with(good(), "/campaign_id", json!("a/b")), "/campaign_id"),
        (with(good(), "/campaign_id", json!("ünï")), "/campaign_id"),
        (with(good(), "/campaign_id", json!(7)), "/campaign_id"),
        (plus(good(), "brand_id", json!("a b")), "/brand_id"),
        (with(good(), "/name", json!("")), "/name"),
        (with(good(), "/name", json!("x".repeat(201))), "/name"),
        (with(good(), "/name", json!("a\u{0}b")), "/name"),
        (with(good(), "/currency", json!("usd")), "/currency"),
        (with(good(), "/currency", json!("XXX")), "/currency"),
        (with(good(), "/allowed_hosts", json!([])), "/allowed_hosts"),
        (
            with(good(), "/allowed_hosts", json!("a.example")),
            "/allowed_hosts",
        ),
        (
            with(
                good(),
                "/allowed_hosts",
                json!(["a.example", "b.example:80"]),
            ),
            "/allowed_hosts/1",
        ),
        (
            with(good(), "/allowed_hosts", json!(["https://a.example"])),
            "/allowed_hosts/0",
        ),
        (
            with(good(), "/allowed_hosts", json!(["A.example"])),
            "/allowed_hosts/0",
        ),
        (
            with(good(), "/allowed_hosts", json!(["a.example", "a.example"])),
            "/allowed_hosts/1",
        ),
        (
            with(good(), "/allowed_hosts", json!(vec!["a.example"; 51])),
            "/allowed_hosts",
        ),
        (plus(good(), "budget", json!(1)), "/budget"),
        (without(good(), "name"), "/name"),
        (without(good(), "allowed_hosts"), "/allowed_hosts"),
    ];
    refuses(&service, CAMPAIGNS, &testing::brand("brand1"), bodies).await;
    service.stop().await;
}

#[tokio::test]
async fn terms_with_a_field_that_is_not_acceptable_are_not_published() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let good = app::terms;
    let flat = |amount: Value, currency: &str| {
        let flat = json!({ "flat": { "amount": amount, "currency": currency } });
        with(good(), "/plan/sale", flat)
    };
    let bodies = vec![
        (with(good(), "/text", json!("")), "/text"),
        (with(good(), "/text", json!("x".repeat(16_001))), "/text"),
        (with(good(), "/text", json!("a\u{7}")), "/text"),
        (with(good(), "/window_days", json!(0)), "/window_days"),
        (with(good(), "/window_days", json!(366)), "/window_days"),
        (with(good(), "/window_days", json!(1.5)), "/window_days"),
        (
            with(good(), "/window_days", json!(99_999_999_999_i64)),
            "/window_days",
        ),
        (
            with(good(), "/plan/hold_days", json!(-1)),
            "/plan/hold_days",
        ),
        (
            with(good(), "/plan/hold_days", json!(366)),
            "/plan/hold_days",
        ),
        (with(good(), "/plan/sale/bps", json!(-1)), "/plan/sale/bps"),
        (
            with(good(), "/plan/sale/bps", json!(10_001)),
            "/plan/sale/bps",
        ),
        (with(good(), "/plan/sale", json!({})), "/plan/sale"),
        (with(good(), "/plan/sale", json!(null)), "/plan"),
        (flat(json!("-5.00"), "USD"), "/plan/sale/flat/amount"),
        (flat(json!("0"), "USD"), "/plan/sale/flat/amount"),
        (flat(json!("5.001"), "USD"), "/plan/sale/flat/amount"),
        (flat(json!(5.001), "USD"), "/plan/sale/flat/amount"),
        (flat(json!("1e3"), "USD"), "/plan/sale/flat/amount"),
        (
            flat(json!("99999999999999999999"), "USD"),
            "/plan/sale/flat/amount",
        ),
        (
            flat(json!("10000000000.01"), "USD"),
            "/plan/sale/flat/amount",
        ),
        (flat(json!("5"), "EURO"), "/plan/sale/flat/currency"),
        (plus(good(), "version", json!(7)), "/version"),
        (without(good(), "plan"), "/plan"),
    ];
    let path = format!("{CAMPAIGNS}/camp1/terms");
    let brand = testing::brand("brand1");
    refuses(&service, &path, &brand, bodies).await;

    let both = json!({ "bps": 1, "flat": { "amount": "1", "currency": "USD" } });
    let bodies = vec![(with(good(), "/plan/sale", both), "/plan/sale")];
    refuses(&service, &path, &brand, bodies).await;

    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let problem = app::post(&service, &path, &brand, &flat(json!("5"), "EUR"), status).await;
    assert_eq!(problem["code"], "currency_mismatch");
    assert_eq!(problem["errors"][0]["pointer"], "/plan/sale/flat/currency");
    service.stop().await;
}

#[tokio::test]
async fn what_is_no_acceptance_and_no_evidence_is_refused() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let partner = testing::partner("partner1");
    let yes = app::yes;
    let deep = json!({ "a": { "b": { "c": { "d": {} } } } });
    let bodies = vec![
        (
            with(yes(), "/accepted_terms", json!(false)),
            "/accepted_terms",
        ),
        (
            with(yes(), "/accepted_terms", json!("true")),
            "/accepted_terms",
        ),
        (without(yes(), "accepted_terms"), "/accepted_terms"),
        (plus(yes(), "terms_version", json!(0)), "/terms_version"),
        (plus(yes(), "terms_version", json!("1")), "/terms_version"),
        (plus(yes(), "partner_id", json!("a.b")), "/partner_id"),
        (with(yes(), "/metadata", json!([1])), "/metadata"),
        (
            with(yes(), "/metadata", json!({ "a": "x".repeat(4096) })),
            "/metadata",
        ),
        (with(yes(), "/metadata", deep.clone()), "/metadata"),
        (plus(yes(), "when", json!("now")), "/when"),
    ];
    let path = format!("{CAMPAIGNS}/camp1/accept");
    refuses(&service, &path, &partner, bodies).await;

    app::post(&service, &path, &partner, &yes(), StatusCode::CREATED).await;
    let photo = || app::photo("camp1");
    let long = format!("https://example.com/{}", "a".repeat(2048));
    let bodies = vec![
        (with(photo(), "/campaign_id", json!("a b")), "/campaign_id"),
        (with(photo(), "/evidence_type", json!("")), "/evidence_type"),
        (
            with(photo(), "/evidence_type", json!("a photo")),
            "/evidence_type",
        ),
        (
            with(photo(), "/evidence_type", json!("p".repeat(65))),
            "/evidence_type",
        ),
        (
            with(photo(), "/file_url", json!("javascript:alert(1)")),
            "/file_url",
        ),
        (
            with(photo(), "/file_url", json!("file:///etc/passwd")),
            "/file_url",
        ),
        (with(photo(), "/file_url", json!("/photo.jpg")), "/file_url"),
        (
            with(photo(), "/file_url", json!("https://me:pw@example.com/")),
            "/file_url",
        ),
        (with(photo(), "/file_url", json!(long)), "/file_url"),
        (with(photo(), "/metadata", deep), "/metadata"),
        (plus(photo(), "size", json!(1)), "/size"),
        (without(photo(), "file_url"), "/file_url"),
    ];
    refuses(&service, EVIDENCE, &partner, bodies).await;
    service.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_long_and_ids_that_are_none_are_refused() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let send = async |body: String, content_type: &str| {
        let request = service
            .client
            .post(format!("{}{CAMPAIGNS}", service.base_url))
            .bearer_auth(&brand)
            .header("content-type", content_type)
            .body(body);
        request.send().await.unwrap().status()
    };
    assert_eq!(
        send("{".into(), "application/json").await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        send("{}{}".into(), "application/json").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        send("[".repeat(5000), "application/json").await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        send("{}".into(), "text/plain").await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(
        send(huge, "application/json").await,
        StatusCode::PAYLOAD_TOO_LARGE
    );

    let path = format!("{CAMPAIGNS}/{}/accept", "a".repeat(65));
    let (status, problem) = service.post(&path, &brand, &app::yes()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        problem["errors"][0]["parameter"], "campaign_id",
        "{problem}"
    );
    assert_eq!(head(&service).await, 0, "nothing is written");
    service.stop().await;
}

#[tokio::test]
async fn tokens_that_do_not_verify_open_nothing() {
    let service = app::start().await;
    let operator = || testing::claims("operator").role(chassis::auth::Role::Operator);
    let other_key = SecretString::from("another secret for tests, of more than 32 bytes");
    let other_key = SigningKey::secret(&other_key).unwrap();
    let expired = Claims {
        exp: 1_000_000,
        iat: None,
        ..operator()
    };
    let other = Claims {
        aud: Audience(vec!["elsewhere".to_owned()]),
        ..operator()
    };
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcGVyYXRvciIsInJvbGVzIjpbIm9wZXJhdG9yIl19.";
    let tokens = [
        "nonsense".to_owned(),
        unsigned.to_owned(),
        other_key.mint(&operator()).unwrap(),
        testing::mint(&expired),
        testing::mint(&other),
    ];
    let body = app::campaign("camp1");
    for token in &tokens {
        let writing = service.post(CAMPAIGNS, token, &body).await;
        let reading = service.get(CAMPAIGNS, token).await;
        for (status, problem) in [writing, reading] {
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{token}: {problem}");
        }
    }
    assert_eq!(head(&service).await, 0, "nothing is written");
    service.stop().await;
}
