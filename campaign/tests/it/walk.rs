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

#[tokio::test]
async fn a_campaign_is_paused_resumed_and_closed_and_partners_leave_come_again_and_are_removed() {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner123"));
    let mut body = app::campaign("camp123");
    body["fallback_url"] = json!("https://shop.example.com/later");
    app::post(&service, CAMPAIGNS, &brand, &body, StatusCode::CREATED).await;
    let at = |step: &str| format!("{CAMPAIGNS}/camp123/{step}");
    app::post(
        &service,
        &at("terms"),
        &brand,
        &app::terms(),
        StatusCode::CREATED,
    )
    .await;
    let no = json!({});
    app::post(&service, &at("activate"), &brand, &no, StatusCode::OK).await;
    let (accept, leave, remove) = (at("accept"), at("leave"), at("partners/partner123/remove"));
    app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;

    let left = app::post(&service, &leave, &partner, &no, StatusCode::OK).await;
    assert_eq!(
        (&left["status"], &left["partner_id"]),
        (&json!("left"), &json!("partner123"))
    );
    let again = app::post(&service, &leave, &partner, &no, StatusCode::CONFLICT).await;
    assert_eq!(again["code"], "not_enrolled");
    app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;

    let paused = app::post(&service, &at("pause"), &brand, &no, StatusCode::OK).await;
    assert_eq!(paused["status"], "paused");
    let (_, seen) = service.get(&format!("{CAMPAIGNS}/camp123"), &partner).await;
    assert_eq!(
        (&seen["status"], &seen["pause_reason"]),
        (&json!("paused"), &json!("brand"))
    );
    assert_eq!(seen["fallback_url"], "https://shop.example.com/later");
    let other = testing::partner("partner456");
    let refused = app::post(&service, &accept, &other, &app::yes(), StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "campaign_not_active");
    app::post(&service, &at("resume"), &brand, &no, StatusCode::OK).await;

    let why = json!({"reason": "terms_violated"});
    let removed = app::post(&service, &remove, &brand, &why, StatusCode::OK).await;
    assert_eq!(removed["status"], "removed");
    let refused = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::FORBIDDEN,
    )
    .await;
    assert_eq!(refused["code"], "partner_removed");
    let unknown = json!({"reason": "bad mood"});
    app::post(
        &service,
        &remove,
        &brand,
        &unknown,
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await;

    let closed = app::post(&service, &at("close"), &brand, &no, StatusCode::OK).await;
    assert_eq!(closed["status"], "closed");
    let over = app::post(&service, &at("resume"), &brand, &no, StatusCode::CONFLICT).await;
    assert_eq!(over["code"], "campaign_closed");
    let list = format!("{CAMPAIGNS}?status=closed");
    let (_, page) = service.get(&list, &partner).await;
    assert_eq!(page["items"][0]["campaign_id"], "camp123", "{page}");

    let tables = ["campaigns", "terms", "plans", "enrollments"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_partner_applies_reads_why_it_was_rejected_is_invited_and_is_in() {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner123"));
    let mut body = app::campaign("camp123");
    body["join"] = json!("approval");
    let made = app::post(&service, CAMPAIGNS, &brand, &body, StatusCode::CREATED).await;
    assert_eq!(made["join"], "approval");
    let at = |step: &str| format!("{CAMPAIGNS}/camp123/{step}");
    let of_partner = |step: &str| at(&format!("partners/partner123/{step}"));
    app::post(
        &service,
        &at("terms"),
        &brand,
        &app::terms(),
        StatusCode::CREATED,
    )
    .await;
    let no = json!({});
    app::post(&service, &at("activate"), &brand, &no, StatusCode::OK).await;
    let accept = at("accept");
    let applied = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;
    assert_eq!(applied["status"], "applied");
    let shown = app::photo("camp123");
    let early = app::post(&service, EVIDENCE, &partner, &shown, StatusCode::CONFLICT).await;
    assert_eq!(early["code"], "not_enrolled");

    let why = json!({"reason": "not_the_right_fit"});
    let reject = of_partner("reject");
    app::post(&service, &reject, &brand, &why, StatusCode::OK).await;
    let (_, list) = service.get("/api/v1/campaign/enrollments", &partner).await;
    assert_eq!(list["items"][0]["status"], "rejected", "{list}");
    assert_eq!(list["items"][0]["reason"], "not_the_right_fit");
    let again = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::FORBIDDEN,
    )
    .await;
    assert_eq!(again["code"], "application_rejected");
    let late = app::post(
        &service,
        &of_partner("approve"),
        &brand,
        &no,
        StatusCode::CONFLICT,
    )
    .await;
    assert_eq!(late["code"], "not_applied");

    let invited = app::post(&service, &of_partner("invite"), &brand, &no, StatusCode::OK).await;
    assert_eq!(invited["status"], "invited");
    let accepted = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;
    assert_eq!(accepted["status"], "enrolled");
    for (who, expected) in [
        (&brand, 1),
        (&partner, 1),
        (&testing::brand("brand2"), 0),
        (&testing::partner("partner456"), 0),
    ] {
        let path = "/api/v1/campaign/enrollments?status=enrolled&campaign_id=camp123";
        let (_, list) = service.get(path, who).await;
        assert_eq!(list["items"].as_array().unwrap().len(), expected, "{list}");
    }
    let tables = ["campaigns", "terms", "plans", "enrollments"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn nobody_is_invited_into_a_draft() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let body = app::campaign("camp1");
    app::post(&service, CAMPAIGNS, &brand, &body, StatusCode::CREATED).await;
    let invite = format!("{CAMPAIGNS}/camp1/partners/partner1/invite");
    let refused = app::post(&service, &invite, &brand, &json!({}), StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "campaign_not_active");
    let expected = ["campaign.created.v1", "command.rejected.v1"];
    assert_eq!(app::log_kinds(&service).await, expected);
    service.stop().await;
}

#[tokio::test]
async fn an_approved_partner_is_in_since_its_approval() {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner123"));
    app::active_campaign(&service, "camp1").await;
    let camp1 = format!("{CAMPAIGNS}/camp1");
    let (status, answer) = service
        .patch(&camp1, &brand, &json!({"join": "approval"}))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let accept = format!("{camp1}/accept");
    let yes = app::yes();
    let applied = app::post(&service, &accept, &partner, &yes, StatusCode::CREATED).await;
    let listed = async || {
        let (_, list) = service.get("/api/v1/campaign/enrollments", &brand).await;
        list["items"][0]["since"].clone()
    };
    assert_eq!(listed().await, applied["accepted_at"]);
    service.advance_clock(86_400).await;
    let approve = format!("{camp1}/partners/partner123/approve");
    let approved = app::post(&service, &approve, &brand, &json!({}), StatusCode::OK).await;
    assert_ne!(approved["since"], applied["accepted_at"]);
    assert_eq!(listed().await, approved["since"]);
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &["enrollments"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_brand_bans_a_partner_from_its_campaigns_and_an_operator_from_all() {
    let service = app::start().await;
    let (first, second) = (testing::brand("brand1"), testing::brand("brand2"));
    let (partner, operator) = (testing::partner("partner123"), testing::operator());
    let no = json!({});
    for (campaign, brand) in [("camp1", &first), ("camp2", &second)] {
        let at = |step: &str| format!("{CAMPAIGNS}/{campaign}/{step}");
        let body = app::campaign(campaign);
        app::post(&service, CAMPAIGNS, brand, &body, StatusCode::CREATED).await;
        let terms = app::terms();
        app::post(&service, &at("terms"), brand, &terms, StatusCode::CREATED).await;
        app::post(&service, &at("activate"), brand, &no, StatusCode::OK).await;
    }
    let (ban, unban) = (
        "/api/v1/campaign/partners/partner123/ban",
        "/api/v1/campaign/partners/partner123/unban",
    );
    let why = json!({"reason": "terms_violated"});
    let banned = app::post(&service, ban, &first, &why, StatusCode::OK).await;
    assert_eq!(
        (&banned["status"], &banned["brand_id"], &banned["reason"]),
        (&json!("banned"), &json!("brand1"), &json!("terms_violated"))
    );
    let again = app::post(&service, ban, &first, &why, StatusCode::CONFLICT).await;
    assert_eq!(again["code"], "already_banned");
    let others = json!({"reason": "other", "brand_id": "brand2"});
    let refused = app::post(&service, ban, &first, &others, StatusCode::NOT_FOUND).await;
    assert_eq!(refused["code"], "brand_unknown");
    app::post(&service, ban, &partner, &why, StatusCode::FORBIDDEN).await;

    let accept = |campaign: &str| format!("{CAMPAIGNS}/{campaign}/accept");
    let yes = app::yes();
    let refused = app::post(
        &service,
        &accept("camp1"),
        &partner,
        &yes,
        StatusCode::FORBIDDEN,
    )
    .await;
    assert_eq!(refused["code"], "partner_banned");
    app::post(
        &service,
        &accept("camp2"),
        &partner,
        &yes,
        StatusCode::CREATED,
    )
    .await;
    let everywhere = app::post(&service, ban, &operator, &why, StatusCode::OK).await;
    assert_eq!(everywhere["brand_id"], json!(null));
    let shown = app::photo("camp2");
    let refused = app::post(&service, EVIDENCE, &partner, &shown, StatusCode::FORBIDDEN).await;
    assert_eq!(refused["code"], "partner_banned");
    app::post(&service, unban, &first, &no, StatusCode::OK).await;
    let refused = app::post(
        &service,
        &accept("camp1"),
        &partner,
        &yes,
        StatusCode::FORBIDDEN,
    )
    .await;
    assert_eq!(refused["code"], "partner_banned", "an operator's stays");
    let over = app::post(&service, unban, &operator, &no, StatusCode::OK).await;
    assert_eq!(over["status"], "active");
    let none = app::post(&service, unban, &operator, &no, StatusCode::CONFLICT).await;
    assert_eq!(none["code"], "not_banned");
    app::post(&service, EVIDENCE, &partner, &shown, StatusCode::CREATED).await;

    for (who, path, count) in [
        (&first, "/api/v1/campaign/bans", 1),
        (&second, "/api/v1/campaign/bans", 0),
        (&partner, "/api/v1/campaign/bans", 2),
        (&testing::partner("partner456"), "/api/v1/campaign/bans", 0),
        (&operator, "/api/v1/campaign/bans?status=banned", 0),
        (&operator, "/api/v1/campaign/bans?partner_id=partner123", 2),
        (&operator, "/api/v1/campaign/bans?brand_id=brand1", 1),
        (&operator, "/api/v1/campaign/bans?brand_id=brand2", 0),
        (&partner, "/api/v1/campaign/bans?brand_id=brand1", 1),
        (&second, "/api/v1/campaign/bans?brand_id=brand1", 0),
    ] {
        let (_, list) = service.get(path, who).await;
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            count,
            "{path} {list}"
        );
    }
    let tables = ["bans", "campaigns", "enrollments", "evidence"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}
