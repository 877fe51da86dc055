//! What is not one's own answers as if it were not there.

use axum::http::StatusCode;
use runtime::testing::{brand, claims, mint, operator, partner};
use schemas::Topic;
use serde_json::json;

use crate::app::{
    acceptance, bff, calculated, count, facts, partner123, payout, payout_requested, posted,
    publish_key,
};

#[tokio::test]
async fn asking_for_another_partner_or_brand_is_404_and_writes_nothing() {
    let app = bff().await;
    publish_key(&app, "key1", 3_600).await;
    let (partner, brand) = (partner("partner9"), brand("brand9"));
    let with = |mut body: serde_json::Value, field: &str, id: &str| {
        body[field] = id.into();
        body
    };
    let evidence =
        json!({"campaign_id": "c", "evidence_type": "photo", "file_url": "https://a.example/"});
    let link = json!({"campaign_id": "c", "target_url": "https://a.example/"});
    let campaign = json!({"name": "n", "currency": "USD", "allowed_hosts": ["a.example"]});
    let anothers = [
        (
            "/api/v1/campaigns/c/accept",
            &partner,
            with(acceptance(), "partner_id", "partner123"),
        ),
        (
            "/api/v1/evidence/upload",
            &partner,
            with(evidence, "partner_id", "partner123"),
        ),
        (
            "/api/v1/links",
            &partner,
            with(link, "partner_id", "partner123"),
        ),
        (
            "/api/v1/payments/request",
            &partner,
            with(payout(), "partner_id", "partner123"),
        ),
        (
            "/api/v1/campaigns",
            &brand,
            with(campaign, "brand_id", "brand123"),
        ),
    ];
    for (path, token, body) in anothers {
        let (status, problem) = app.post(path, token, &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {problem}");
    }
    assert_eq!(count(&app, "commands").await, 0);
    assert_eq!(count(&app, "pipeline.message_log").await, 0);
}

#[tokio::test]
async fn an_operator_asks_for_anyone_but_must_say_for_whom() {
    let app = bff().await;
    let path = "/api/v1/campaigns/camp123/accept";
    let (status, problem) = app.post(path, &operator(), &acceptance()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/partner_id");
    let mut body = acceptance();
    body["partner_id"] = "partner123".into();
    let (status, _) = app.post(path, &operator(), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_token_of_the_wrong_role_is_refused() {
    let app = bff().await;
    let nobody = mint(&claims("nobody"));
    let campaign = json!({"name": "n", "currency": "USD", "allowed_hosts": ["a.example"]});
    let event = json!({"user_id": "u", "event_type": "click"});
    for (path, token, body) in [
        ("/api/v1/campaigns", partner123(), campaign),
        ("/api/v1/campaigns/c/activate", partner123(), json!({})),
        ("/api/v1/campaigns/c/accept", brand("b"), acceptance()),
        ("/api/v1/payments/request", brand("b"), payout()),
        ("/api/v1/tracking/events", nobody.clone(), event),
    ] {
        let (status, problem) = app.post(path, &token, &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {problem}");
    }
    for path in ["/api/v1/commissions", "/api/v1/payouts", "/api/v1/balances"] {
        let (status, problem) = app.get(path, &nobody).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {problem}");
    }
    assert_eq!(count(&app, "commands").await, 0);
}

#[tokio::test]
async fn one_reads_what_is_ones_own_and_operators_read_everything() {
    let app = bff().await;
    let commission = calculated("partner123", "brand1", 1_000, "approved");
    facts(
        &app,
        Topic::CommissionEvents,
        &[("conv1", "conv1", commission)],
    )
    .await;
    let earned = posted("brand:brand1:funds", "partner:partner123:payable", 1_000);
    let submitted = payout_requested(500);
    facts(
        &app,
        Topic::PaymentEvents,
        &[
            ("partner123", "partner123", earned),
            ("partner123", "pay_1", submitted),
        ],
    )
    .await;
    let (own, other) = (partner123(), partner("partner9"));
    let (payer, stranger, all) = (brand("brand1"), brand("brand9"), operator());
    for (path, token, expected) in [
        ("/api/v1/commissions/conv1", &own, 200),
        ("/api/v1/commissions/conv1", &payer, 200),
        ("/api/v1/commissions/conv1", &all, 200),
        ("/api/v1/commissions/conv1", &other, 404),
        ("/api/v1/commissions/conv1", &stranger, 404),
        ("/api/v1/commissions/never", &own, 404),
        ("/api/v1/commissions?partner_id=partner123", &other, 404),
        ("/api/v1/commissions?brand_id=brand1", &stranger, 404),
        ("/api/v1/payouts/pay_1", &own, 200),
        ("/api/v1/payouts/pay_1", &all, 200),
        ("/api/v1/payouts/pay_1", &other, 404),
        ("/api/v1/payouts/pay_1", &payer, 404),
        ("/api/v1/payouts?partner_id=partner123", &other, 404),
        ("/api/v1/balances?partner_id=partner123", &all, 200),
        ("/api/v1/balances?partner_id=partner123", &other, 404),
        ("/api/v1/balances?brand_id=brand1", &own, 404),
    ] {
        let (status, body) = app.get(path, token).await;
        assert_eq!(status.as_u16(), expected, "{path}: {body}");
    }
    for (path, token, expected) in [
        ("/api/v1/commissions", &own, 1),
        ("/api/v1/commissions", &payer, 1),
        ("/api/v1/commissions", &all, 1),
        ("/api/v1/commissions", &other, 0),
        ("/api/v1/commissions", &stranger, 0),
        ("/api/v1/commissions?partner_id=partner123", &payer, 1),
        ("/api/v1/payouts", &own, 1),
        ("/api/v1/payouts", &all, 1),
        ("/api/v1/payouts", &other, 0),
        ("/api/v1/balances", &own, 1),
        ("/api/v1/balances", &payer, 1),
        ("/api/v1/balances", &all, 2),
        ("/api/v1/balances", &other, 0),
    ] {
        let (_, body) = app.get(path, token).await;
        let items = body["items"].as_array().unwrap();
        assert_eq!(items.len(), expected, "{path}: {body}");
    }
}

#[tokio::test]
async fn who_is_partner_and_brand_sees_both() {
    let app = bff().await;
    let both = mint(&claims("both").partner("p1").brand("b1"));
    let rows = [
        ("c1", "c1", calculated("p1", "b9", 1, "approved")),
        ("c2", "c2", calculated("p9", "b1", 2, "approved")),
        ("c3", "c3", calculated("p9", "b9", 3, "approved")),
    ];
    facts(&app, Topic::CommissionEvents, &rows).await;
    let (_, body) = app.get("/api/v1/commissions", &both).await;
    let ids: Vec<_> = body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["id"])
        .collect();
    assert_eq!(ids, ["c2", "c1"]);
}
