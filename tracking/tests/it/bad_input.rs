//! What must not come in: refused with a problem that points at the field, and nothing is written.

use axum::http::StatusCode;
use runtime::testing::{TestService, claims, mint, operator, partner};
use serde_json::{Value, json};

use crate::app::*;

async fn written(service: &TestService) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM pipeline.message_log), (SELECT count(*) FROM pipeline.inbox),
                (SELECT count(*) FROM conversions)",
    )
    .fetch_one(service.pool())
    .await
    .unwrap()
}

/// A change of a good body, and the pointer that the answer must have.
fn odd_events() -> Vec<(Value, &'static str)> {
    let good = order("user1", "order1", "10");
    let odd = |name: &str, value: Value| with(good.clone(), name, value);
    let inside = |metadata: Value| with(good.clone(), "metadata", metadata);
    let soon = chassis::time::now().checked_add_seconds(600).unwrap();
    vec![
        (odd("user_id", json!("")), "/user_id"),
        (odd("user_id", json!("u".repeat(129))), "/user_id"),
        (odd("user_id", json!("a\u{0}b")), "/user_id"),
        (odd("user_id", json!(7)), "/user_id"),
        (json!({"event_type": "purchase", "amount": "1"}), "/user_id"),
        (odd("event_type", json!("buy now")), "/event_type"),
        (odd("event_type", json!("")), "/event_type"),
        (odd("event_type", json!("t".repeat(65))), "/event_type"),
        (odd("amount", json!("-1")), "/amount"),
        (odd("amount", json!("1e3")), "/amount"),
        (odd("amount", json!("0.00001")), "/amount"),
        (odd("amount", json!("1000000000000000")), "/amount"),
        (odd("amount", json!(true)), "/amount"),
        (json!({"user_id": "u", "event_type": "purchase"}), "/amount"),
        (odd("currency", json!("XXX")), "/currency"),
        (odd("currency", json!("usd")), "/currency"),
        (odd("order_id", json!("a b")), "/order_id"),
        (odd("order_id", json!("o".repeat(65))), "/order_id"),
        (odd("campaign_id", json!("camp/1")), "/campaign_id"),
        (odd("click_id", json!("clk\u{0}")), "/click_id"),
        (odd("product_id", json!("p".repeat(65))), "/product_id"),
        (odd("occurred_at", json!("yesterday")), "/occurred_at"),
        (
            odd("occurred_at", json!(chassis::time::to_rfc3339(soon))),
            "/occurred_at",
        ),
        (odd("surprise", json!(1)), "/surprise"),
        (odd("metadata", json!([1])), "/metadata"),
        (odd("metadata", json!({"a": "x".repeat(4096)})), "/metadata"),
        (odd("metadata", json!({"a": [[[[1]]]]})), "/metadata"),
        (inside(json!({"amount": 11})), "/metadata/amount"),
        (inside(json!({"amount": "lots"})), "/metadata/amount"),
        (inside(json!({"order_id": "order2"})), "/metadata/order_id"),
        (inside(json!({"order_id": 5})), "/metadata/order_id"),
        (
            inside(json!({"campaign_id": "a b"})),
            "/metadata/campaign_id",
        ),
        (
            json!({"user_id": "u", "event_type": "refund", "amount": "1"}),
            "/order_id",
        ),
        (refund("u", "order1", "0"), "/amount"),
        (
            with(refund("u", "order1", "1"), "conversion_id", "order1"),
            "/conversion_id",
        ),
        (
            with(refund("u", "order1", "1"), "conversion_id", 7),
            "/conversion_id",
        ),
        // For a refund alone.
        (
            odd("conversion_id", json!(uuid::Uuid::nil())),
            "/conversion_id",
        ),
        (
            with(order("user1", "order1", "10.5"), "currency", "JPY"),
            "/amount",
        ),
    ]
}

#[tokio::test]
async fn an_odd_event_is_refused_at_its_field_and_nothing_is_written() {
    let service = start_with_link().await;
    let before = written(&service).await;
    for (body, pointer) in odd_events() {
        let (status, problem) = report(&service, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
    }
    assert_eq!(written(&service).await, before);
    service.stop().await;
}

#[tokio::test]
async fn fields_beside_and_inside_metadata_may_agree() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let body = json!({"user_id": "user1", "event_type": "purchase", "amount": "100", "order_id": "o1",
                      "metadata": {"amount": 100.00, "order_id": "o1", "currency": "USD", "campaign_id": null}});
    let answer = report_as(&service, "attributed", &body).await;
    assert_eq!(answer["amount"]["amount"], "100.00");
    service.stop().await;
}

#[tokio::test]
async fn what_the_domain_refuses_shows_its_code_and_field() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let problem = refused(
        &service,
        422,
        "amount_precision",
        &purchase("user1", "10.001"),
    )
    .await;
    assert_eq!(problem["errors"][0]["pointer"], "/amount");
    let euros = with(purchase("user1", "10"), "currency", "EUR");
    let problem = refused(&service, 422, "currency_mismatch", &euros).await;
    assert_eq!(problem["errors"][0]["pointer"], "/currency");
    let command = problem["command_id"].as_str().unwrap();
    let path = format!("/api/v1/tracking/commands/{command}");
    let (_, status) = service.get(&path, &operator()).await;
    assert_eq!(
        (&status["status"], &status["code"]),
        (&json!("rejected"), &json!("currency_mismatch"))
    );
    service.stop().await;
}

#[tokio::test]
async fn an_odd_link_is_refused_at_its_field() {
    let service = start_with_link().await;
    let before = written(&service).await;
    let good = json!({"campaign_id": CAMPAIGN, "partner_id": PARTNER, "target_url": "https://shop.example/"});
    for (name, value) in [
        ("campaign_id", json!("")),
        ("campaign_id", json!("c".repeat(65))),
        ("partner_id", json!("a b")),
        ("code", json!("a/b")),
        ("code", json!("\u{1F600}")),
        ("target_url", json!("javascript:alert(1)")),
        ("target_url", json!("/relative")),
        ("target_url", json!("https://user:password@shop.example/")),
        (
            "target_url",
            json!(format!("https://shop.example/{}", "a".repeat(2048))),
        ),
        ("surprise", json!(1)),
    ] {
        let (status, problem) = service
            .post(LINKS, &operator(), &with(good.clone(), name, value))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {problem}");
        assert_eq!(
            problem["errors"][0]["pointer"],
            format!("/{name}"),
            "{problem}"
        );
    }
    let nobodys = json!({"campaign_id": CAMPAIGN, "target_url": "https://shop.example/"});
    let (status, problem) = service.post(LINKS, &operator(), &nobodys).await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["pointer"]),
        (422, &json!("/partner_id"))
    );
    assert_eq!(written(&service).await, before);
    service.stop().await;
}

#[tokio::test]
async fn bodies_that_are_not_json_or_too_long_and_wrong_tokens_write_nothing() {
    let service = start_with_link().await;
    let before = written(&service).await;
    let post = |body: &'static str| {
        let request = service.client.post(format!("{}{EVENTS}", service.base_url));
        request
            .bearer_auth(operator())
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    assert_eq!(post("{").await.unwrap().status(), 400);
    assert_eq!(post("{\"user_id\": \"a").await.unwrap().status(), 400);
    assert_eq!(
        post(r#"{"user_id":"a","user_id":"b","event_type":"x"}"#)
            .await
            .unwrap()
            .status(),
        422
    );
    let long =
        json!({"user_id": "u", "event_type": "seen", "metadata": {"a": "x".repeat(2_000_000)}});
    assert_eq!(report(&service, &long).await.0, 413);
    let mut expired = claims("somebody");
    expired.exp = 1_000_000;
    let mut other = claims("somebody");
    other.aud.0 = vec!["another".to_owned()];
    for token in [
        mint(&expired),
        mint(&other),
        "nonsense".to_owned(),
        unsigned(),
    ] {
        for path in [EVENTS, LINKS] {
            let (status, _) = service.post(path, &token, &purchase("u", "1")).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(service.get(CONVERSIONS, &token).await.0, 401);
    }
    assert_eq!(written(&service).await, before);
    service.stop().await;
}

/// `{"alg":"none"}` with the claims of an operator.
fn unsigned() -> String {
    let token = operator();
    let claims = token.split('.').nth(1).unwrap();
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
}

#[tokio::test]
async fn a_partner_cannot_report_for_others() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let bought = order("user1", "order1", "10");
    let (status, problem) = service.post(EVENTS, &partner("partner9"), &bought).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("click_unknown"))
    );
    let (status, answer) = service.post(EVENTS, &partner(PARTNER), &bought).await;
    assert_eq!(
        (status.as_u16(), &answer["outcome"]),
        (201, &json!("claimed"))
    );
    let back = refund("user1", "order1", "10");
    for who in ["partner9", PARTNER] {
        let (status, problem) = service.post(EVENTS, &partner(who), &back).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (403, &json!("refund_not_trusted"))
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn odd_queries_name_their_parameter() {
    let service = start().await;
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=x", "cursor"),
        ("standing=lost", "standing"),
        ("partner_id=a%20b", "partner_id"),
        ("surprise=1", "surprise"),
    ] {
        let (status, problem) = service
            .get(&format!("{CONVERSIONS}?{query}"), &operator())
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(problem["errors"][0]["parameter"], name, "{problem}");
    }
    assert_eq!(
        service
            .get(&format!("{CONVERSIONS}/not-a-uuid"), &operator())
            .await
            .0,
        400
    );
    service.stop().await;
}
