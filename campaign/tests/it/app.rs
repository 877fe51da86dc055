//! A running campaign service, and what its tests ask of it again and again.

use axum::http::StatusCode;
use campaign::CampaignDomain;
use runtime::testing::{self, TestService};
use serde_json::{Value, json};

/// Where campaigns are.
pub const CAMPAIGNS: &str = "/api/v1/campaign/campaigns";
/// Where evidence is.
pub const EVIDENCE: &str = "/api/v1/campaign/evidence";

/// A service on an empty database.
pub async fn start() -> TestService {
    TestService::start::<CampaignDomain>(campaign::define).await
}

/// A body that makes a campaign.
pub fn campaign(id: &str) -> Value {
    json!({
        "campaign_id": id, "name": "Spring shoes", "currency": "USD", "allowed_hosts": ["shop.example.com"],
    })
}

/// A body that publishes terms: 10 % of a sale, at once.
pub fn terms() -> Value {
    json!({
        "text": "Be honest.\nSay that it is advertising.",
        "window_days": 30,
        "plan": { "sale": { "bps": 1000 }, "hold_days": 0 },
    })
}

/// A body that accepts the terms in force.
pub fn yes() -> Value {
    json!({ "accepted_terms": true, "metadata": { "source": "mobile_app" } })
}

/// A body that shows a photo.
pub fn photo(campaign: &str) -> Value {
    json!({
        "campaign_id": campaign, "evidence_type": "photo", "file_url": "https://example.com/photo.jpg",
        "metadata": { "description": "Product photo" },
    })
}

/// Posts and expects this status.
pub async fn post(
    service: &TestService,
    path: &str,
    token: &str,
    body: &Value,
    expected: StatusCode,
) -> Value {
    let (status, answer) = service.post(path, token, body).await;
    assert_eq!(status, expected, "POST {path} {body}: {answer}");
    answer
}

/// Gets and expects 200.
pub async fn get(service: &TestService, path: &str, token: &str) -> Value {
    let (status, answer) = service.get(path, token).await;
    assert_eq!(status, StatusCode::OK, "GET {path}: {answer}");
    answer
}

/// A campaign of `brand1` that partners may join.
pub async fn active_campaign(service: &TestService, id: &str) {
    active_campaign_of(service, &testing::brand("brand1"), id).await;
}

/// The same of another brand, by its token.
pub async fn active_campaign_of(service: &TestService, brand: &str, id: &str) {
    let at = |rest: &str| format!("{CAMPAIGNS}/{id}{rest}");
    post(
        service,
        CAMPAIGNS,
        brand,
        &campaign(id),
        StatusCode::CREATED,
    )
    .await;
    post(service, &at("/terms"), brand, &terms(), StatusCode::CREATED).await;
    post(service, &at("/activate"), brand, &json!({}), StatusCode::OK).await;
}

/// The types of everything in the log, oldest first.
pub async fn log_kinds(service: &TestService) -> Vec<String> {
    let log = service.log().await;
    log.into_iter().map(|message| message.header.kind).collect()
}
