//! Submitted twice, done once.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use futures::future::join_all;
use runtime::testing::{self, TestService};
use schemas::Service;
use serde_json::json;
use types::ids::Asker;

use crate::app::{self, CAMPAIGNS, EVIDENCE};

#[tokio::test]
async fn a_repeat_with_its_key_gets_the_first_answer_and_another_body_is_refused() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let mut body = app::campaign("unused");
    body.as_object_mut().unwrap().remove("campaign_id");
    let first = service.post_with_key(CAMPAIGNS, &brand, "k1", &body).await;
    let again = service.post_with_key(CAMPAIGNS, &brand, "k1", &body).await;
    assert_eq!(first.0, StatusCode::CREATED, "{}", first.1);
    assert_eq!(first, again);
    assert!(
        first.1["campaign_id"]
            .as_str()
            .unwrap()
            .starts_with("camp_")
    );

    body["name"] = json!("Autumn shoes");
    let (status, problem) = service.post_with_key(CAMPAIGNS, &brand, "k1", &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "idempotency_key_reused");
    let (status, other) = service.post_with_key(CAMPAIGNS, &brand, "k2", &body).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(other["campaign_id"], first.1["campaign_id"]);
    assert_eq!(app::log_kinds(&service).await, ["campaign.created.v1"; 2]);
    service.stop().await;
}

#[tokio::test]
async fn every_write_is_repeatable_by_its_key_and_a_refusal_is_too() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let partner = testing::partner("partner1");
    let at = |rest: &str| format!("{CAMPAIGNS}/camp1/{rest}");
    let writes = [
        ("a", CAMPAIGNS.to_owned(), &brand, app::campaign("camp1")),
        ("b", at("activate"), &brand, json!({})),
        ("c", at("terms"), &brand, app::terms()),
        ("d", at("activate"), &brand, json!({})),
        ("e", at("accept"), &partner, app::yes()),
        ("f", EVIDENCE.to_owned(), &partner, app::photo("camp1")),
    ];
    for (key, path, token, body) in &writes {
        let first = service.post_with_key(path, token, key, body).await;
        let mut again = service.post_with_key(path, token, key, body).await;
        let refused = first.0 == StatusCode::CONFLICT;
        assert_eq!(refused, *key == "b", "{}", first.1);
        if refused {
            again.1["correlation_id"] = first.1["correlation_id"].clone();
        }
        assert_eq!(first, again, "{path}");
    }
    assert_eq!(app::log_kinds(&service).await.len(), writes.len());
    let askers = [
        Asker {
            subject: "brand1",
            partner: None,
            brand: Some("brand1"),
        },
        Asker {
            subject: "partner1",
            partner: Some("partner1"),
            brand: None,
        },
    ];
    let keys = writes.each_ref().map(|(key, ..)| *key);
    service.assert_commands_follow_from(&askers, &keys).await;
    service.stop().await;
}

#[tokio::test]
async fn newer_terms_are_accepted_anew_and_older_ones_no_longer() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let accept = format!("{CAMPAIGNS}/camp1/accept");
    let version = |n: i32| json!({ "accepted_terms": true, "terms_version": n });
    app::post(
        &service,
        &accept,
        &partner,
        &version(1),
        StatusCode::CREATED,
    )
    .await;
    let early = app::post(
        &service,
        &accept,
        &partner,
        &version(2),
        StatusCode::CONFLICT,
    )
    .await;
    assert_eq!(early["code"], "terms_version_stale");
    assert_eq!(early["errors"][0]["pointer"], "/terms_version");

    let terms = format!("{CAMPAIGNS}/camp1/terms");
    app::post(&service, &terms, &brand, &app::terms(), StatusCode::CREATED).await;
    let old = app::post(
        &service,
        &accept,
        &partner,
        &version(1),
        StatusCode::CONFLICT,
    )
    .await;
    assert_eq!(old["code"], "already_accepted");
    let late = testing::partner("partner2");
    let stale = app::post(&service, &accept, &late, &version(1), StatusCode::CONFLICT).await;
    assert_eq!(stale["code"], "terms_version_stale");
    let renewed = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;
    assert_eq!(renewed["terms_version"], 2);
    let enrollments = testing::rows(service.pool(), "enrollments").await;
    assert_eq!(enrollments.len(), 1);
    let photo = app::photo("camp1");
    app::post(&service, EVIDENCE, &partner, &photo, StatusCode::CREATED).await;
    let tables = ["campaigns", "terms", "plans", "enrollments", "evidence"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn of_twenty_acceptances_at_two_replicas_one_is_the_first_and_none_the_second() {
    let one = app::start().await;
    app::active_campaign(&one, "camp1").await;
    let variables = testing::variables(Service::Campaign, &one.database_url);
    let two = TestService::start_with::<CampaignDomain>(campaign::define, variables).await;
    let (partner, path, body) = (
        testing::partner("partner1"),
        format!("{CAMPAIGNS}/camp1/accept"),
        app::yes(),
    );
    let requests = (0..20).map(|n| {
        let service = if n % 2 == 0 { &one } else { &two };
        service.post(&path, &partner, &body)
    });
    let mut created = 0;
    for (status, answer) in join_all(requests).await {
        match status {
            StatusCode::CREATED => created += 1,
            _ => assert_eq!(answer["code"], "already_accepted", "{answer}"),
        }
    }
    assert_eq!(created, 1);
    let kinds = app::log_kinds(&one).await;
    let accepted = kinds
        .iter()
        .filter(|kind| *kind == "enrollment.accepted.v1");
    assert_eq!(accepted.count(), 1);
    two.stop().await;
    one.stop().await;
}
