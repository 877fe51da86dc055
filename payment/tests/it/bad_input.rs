use axum::http::StatusCode;
use runtime::testing::{operator, partner};
use serde_json::{Value, json};

use crate::app::{App, payout};

#[tokio::test]
async fn an_odd_body_is_refused_at_its_field_and_writes_nothing() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let before = app.service.log().await.len();
    let long = "x".repeat(257);
    let cases = [
        ("/amount", json!("0")),
        ("/amount", json!("-1.00")),
        ("/amount", json!("1.001")),
        ("/amount", json!("1e2")),
        ("/amount", json!(true)),
        ("/amount", json!("99999999999999999999")),
        ("/currency", json!("usd")),
        ("/currency", json!("XXX")),
        ("/payment_method", json!("cash")),
        ("/account_details", json!("user@example.com")),
        ("/account_details/email", json!(long)),
        ("/partner_id", json!("a b")),
        ("/surprise", json!(1)),
    ];
    for (pointer, value) in cases {
        let mut body = payout("1.00");
        match body.pointer_mut(pointer) {
            Some(field) => *field = value.clone(),
            None => body[&pointer[1..]] = value.clone(),
        }
        let path = "/api/v1/payment/payouts";
        let token = partner("partner123");
        let (status, problem) = app.service.post(path, &token, &body).await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY || status == StatusCode::BAD_REQUEST,
            "{pointer} {value}: {status}"
        );
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{value}: {problem}"
        );
        assert!(!problem.to_string().contains("DE8937"), "{problem}");
    }
    assert_eq!(app.service.log().await.len(), before);
    assert!(app.provider.taken().await.is_empty());
}

/// The rules are the bff's, whose rows stand in its own tests: one of each kind shows that they are asked.
#[tokio::test]
async fn details_that_the_bff_refuses_are_refused_here_and_nothing_is_written() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let before = app.service.log().await.len();
    let iban = "DE89370400440532013000";
    for (method, details, pointer) in [
        ("bank_transfer", json!({"iban": "XX"}), "/iban"),
        (
            "bank_transfer",
            json!({"iban": "DE88370400440532013000"}),
            "/iban",
        ),
        (
            "bank_transfer",
            json!({"account_number": "12345678901234"}),
            "/account_number",
        ),
        (
            "bank_transfer",
            json!({"iban": iban, "wallet": "w"}),
            "/wallet",
        ),
        (
            "bank_transfer",
            json!({"iban": iban, "name": "a\u{202e}b"}),
            "/name",
        ),
        (
            "bank_transfer",
            json!({"iban": iban, "bic": "short"}),
            "/bic",
        ),
        (
            "bank_transfer",
            json!({"email": "user@example.com", "iban": iban}),
            "/email",
        ),
        ("paypal", json!({"email": "nobody"}), "/email"),
        (
            "paypal",
            json!({"email": "\u{202e}user@example.com"}),
            "/email",
        ),
        ("paypal", json!({"iban": iban}), "/email"),
    ] {
        let mut body = payout("1.00");
        body["payment_method"] = json!(method);
        body["account_details"] = details.clone();
        let path = "/api/v1/payment/payouts";
        let (status, problem) = app.service.post(path, &partner("partner123"), &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{details}");
        let pointer = format!("/account_details{pointer}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(!problem.to_string().contains("DE8"), "{problem}");
    }
    assert_eq!(app.service.log().await.len(), before);
}

#[tokio::test]
async fn a_number_is_read_from_its_text() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let text = r#"{"amount":150.00,"currency":"USD","payment_method":"paypal","account_details":{"email":"a@example.com"}}"#;
    let url = format!("{}/api/v1/payment/payouts", app.service.base_url);
    let request = app
        .service
        .client
        .post(url)
        .bearer_auth(partner("partner123"));
    let request = request
        .header("content-type", "application/json")
        .body(text);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["amount"], "150.00");
}

#[tokio::test]
async fn a_currency_never_earned_is_a_mismatch() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let mut body = payout("1.00");
    body["currency"] = json!("EUR");
    let path = "/api/v1/payment/payouts";
    let (status, problem) = app.service.post(path, &partner("partner123"), &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "currency_mismatch");
}

#[tokio::test]
async fn an_operator_must_say_whose_money() {
    let app = App::start().await;
    let path = "/api/v1/payment/payouts";
    let (status, problem) = app.service.post(path, &operator(), &payout("1.00")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/partner_id");
}

#[tokio::test]
async fn odd_queries_are_refused() {
    let app = App::start().await;
    for query in [
        "status=lost",
        "partner_id=a%20b",
        "limit=0",
        "cursor=x",
        "surprise=1",
    ] {
        let path = format!("/api/v1/payment/payouts?{query}");
        let (status, _) = app.service.get(&path, &operator()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
}
