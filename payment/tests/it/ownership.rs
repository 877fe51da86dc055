use axum::http::StatusCode;
use chassis::auth::Claims;
use runtime::testing::{brand, mint, operator, partner};
use serde_json::json;

use crate::app::{App, payout};

#[tokio::test]
async fn another_partners_payouts_and_balances_are_not_there() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let id = app.granted("partner123", "10.00").await;
    let other = partner("partner9");
    for path in [
        format!("/api/v1/payment/payouts/{id}"),
        "/api/v1/payment/payouts?partner_id=partner123".to_owned(),
        "/api/v1/payment/balances?partner_id=partner123".to_owned(),
        "/api/v1/payment/balances?brand_id=brand1".to_owned(),
    ] {
        let (status, _) = app.service.get(&path, &other).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, own) = app.service.get("/api/v1/payment/payouts", &other).await;
    assert_eq!(own["items"], json!([]));
    let (status, _) = app
        .service
        .get(
            &format!("/api/v1/payment/payouts/{id}"),
            &partner("partner123"),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_asks_for_another_partners_money_but_an_operator() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let mut body = payout("10.00");
    body["partner_id"] = json!("partner123");
    let path = "/api/v1/payment/payouts";
    for token in [partner("partner9"), brand("brand1")] {
        let (status, _) = app.service.post(path, &token, &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
    let (status, _) = app.service.post(path, &operator(), &body).await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_brand_sees_what_its_partners_earned() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let path = "/api/v1/payment/balances";
    let (_, body) = app.service.get(path, &brand("brand1")).await;
    assert_eq!(body["items"][0]["accounts"]["funds"], "-200.00");
    let (status, _) = app.service.get(path, &operator()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_token_nothing_is_shown() {
    let app = App::start().await;
    for path in ["/api/v1/payment/payouts", "/api/v1/payment/balances"] {
        let (status, _) = app.service.get(path, "nonsense").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn the_transport_between_services_opens_to_services_that_mean_this_one() {
    let app = App::start().await;
    let token = |from, to| mint(&Claims::new("commission", from, to, 60));
    let mut expired = Claims::new("commission", "commission", "payment", 60);
    expired.exp = 1_000_000_000;
    let path = "/internal/v1/watermarks?epoch=1&topic=commission-events&partition=0&mode=http";
    let (status, _) = app.service.get(path, &token("commission", "payment")).await;
    assert_eq!(status, StatusCode::OK);
    for strange in [
        token("commission", "tracking"),
        token("nobody", "payment"),
        mint(&expired),
        operator(),
        "nonsense".to_owned(),
    ] {
        let (status, _) = app.service.get(path, &strange).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let path = "/internal/v1/messages";
        let (status, _) = app.service.post(path, &strange, &json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}
