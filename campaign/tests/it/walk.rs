//! The way of a campaign, from draft to evidence.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use runtime::testing;
use serde_json::json;

use crate::app::{self, CAMPAIGNS, EVIDENCE};

#[tokio::test]
async fn a_campaign_is_made_given_terms_activated_accepted_and_worked_for() {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner123"));

    let body = app::campaign("camp123");
    let made = app::post(&service, CAMPAIGNS, &brand, &body, StatusCode::CREATED).await;
    assert_eq!(made["campaign_id"], "camp123");
    assert_eq!(made["brand_id"], "brand1");
    assert_eq!(made["status"], "draft");

    let path = format!("{CAMPAIGNS}/camp123/terms");
    let published = app::post(&service, &path, &brand, &app::terms(), StatusCode::CREATED).await;
    assert_eq!(published["version"], 1);
    assert_eq!(published["plan"]["sale"], json!({ "bps": 1000 }));

    let path = format!("{CAMPAIGNS}/camp123/activate");
    let activated = app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
    assert_eq!(activated["status"], "active");

    let path = format!("{CAMPAIGNS}/camp123/accept");
    let accepted = app::post(&service, &path, &partner, &app::yes(), StatusCode::CREATED).await;
    assert_eq!(accepted["partner_id"], "partner123");
    assert_eq!(accepted["terms_version"], 1);
    let again = app::post(&service, &path, &partner, &app::yes(), StatusCode::CONFLICT).await;
    assert_eq!(again["code"], "already_accepted");

    let shown = app::photo("camp123");
    let submitted = app::post(&service, EVIDENCE, &partner, &shown, StatusCode::CREATED).await;
    assert_eq!(submitted["file_url"], "https://example.com/photo.jpg");
    assert_eq!(submitted["metadata"]["description"], "Product photo");
    let again = app::post(&service, EVIDENCE, &partner, &shown, StatusCode::CONFLICT).await;
    assert_eq!(again["code"], "already_submitted");

    assert_eq!(
        app::log_kinds(&service).await,
        [
            "campaign.created.v1",
            "terms.published.v1",
            "campaign.activated.v1",
            "enrollment.accepted.v1",
            "command.rejected.v1",
            "evidence.submitted.v1",
            "command.rejected.v1",
        ]
    );
    let tables = ["campaigns", "terms", "plans", "enrollments", "evidence"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}
