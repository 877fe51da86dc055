//! Whose things are whose: what is not the caller's answers as what is not there.

use axum::http::StatusCode;
use runtime::testing;
use serde_json::json;

use crate::app::{self, CAMPAIGNS, EVIDENCE};

#[tokio::test]
async fn anothers_campaign_is_as_unknown_as_one_that_is_not_there() {
    let service = app::start().await;
    let body = app::campaign("camp1");
    let owner = testing::brand("brand1");
    app::post(&service, CAMPAIGNS, &owner, &body, StatusCode::CREATED).await;
    let strangers = [
        testing::brand("brand2"),
        testing::partner("brand1"),
        testing::mint(&testing::claims("brand1")),
    ];
    for token in &strangers {
        for rest in ["terms", "activate"] {
            let body = if rest == "terms" {
                app::terms()
            } else {
                json!({})
            };
            let mut answers = Vec::new();
            for id in ["camp1", "camp2"] {
                let path = format!("{CAMPAIGNS}/{id}/{rest}");
                let problem = app::post(&service, &path, token, &body, StatusCode::NOT_FOUND).await;
                answers.push((problem["code"].clone(), problem["detail"].clone()));
            }
            assert_eq!(answers[0], answers[1], "{rest}");
        }
    }
    for rest in ["", "/terms"] {
        let path = format!("{CAMPAIGNS}/camp1{rest}");
        for token in &strangers[..2] {
            let (status, problem) = service.get(&path, token).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {problem}");
        }
        app::get(&service, &path, &owner).await;
        app::get(&service, &path, &testing::operator()).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn nobody_acts_for_another_brand_or_partner_but_an_operator() {
    let service = app::start().await;
    let mut body = app::campaign("camp1");
    body["brand_id"] = json!("brand1");
    let stranger = testing::brand("brand2");
    let problem = app::post(&service, CAMPAIGNS, &stranger, &body, StatusCode::NOT_FOUND).await;
    assert_eq!(problem["code"], "brand_unknown");
    let operator = testing::operator();
    app::post(&service, CAMPAIGNS, &operator, &body, StatusCode::CREATED).await;
    for (rest, body) in [("terms", app::terms()), ("activate", json!({}))] {
        let path = format!("{CAMPAIGNS}/camp1/{rest}");
        let (status, problem) = service.post(&path, &operator, &body).await;
        assert!(status.is_success(), "{problem}");
    }

    let accept = format!("{CAMPAIGNS}/camp1/accept");
    let mut photo = app::photo("camp1");
    let mut yes = app::yes();
    (photo["partner_id"], yes["partner_id"]) = (json!("partner1"), json!("partner1"));
    for token in [testing::partner("partner2"), testing::brand("brand1")] {
        for (path, body) in [(accept.as_str(), &yes), (EVIDENCE, &photo)] {
            let problem = app::post(&service, path, &token, body, StatusCode::NOT_FOUND).await;
            assert_eq!(problem["code"], "partner_unknown");
        }
    }
    app::post(&service, &accept, &operator, &yes, StatusCode::CREATED).await;
    app::post(&service, EVIDENCE, &operator, &photo, StatusCode::CREATED).await;
    service.stop().await;
}

#[tokio::test]
async fn who_is_neither_named_nor_in_the_token_must_be_given() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let operator = testing::operator();
    let accept = format!("{CAMPAIGNS}/camp1/accept");
    for (path, body, pointer) in [
        (CAMPAIGNS, app::campaign("camp2"), "/brand_id"),
        (accept.as_str(), app::yes(), "/partner_id"),
        (EVIDENCE, app::photo("camp1"), "/partner_id"),
    ] {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = app::post(&service, path, &operator, &body, status).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let partner = testing::partner("partner1");
    let body = app::campaign("camp2");
    app::post(&service, CAMPAIGNS, &partner, &body, StatusCode::FORBIDDEN).await;
    let brand = testing::brand("brand1");
    app::post(
        &service,
        &accept,
        &brand,
        &app::yes(),
        StatusCode::FORBIDDEN,
    )
    .await;
    service.stop().await;
}
