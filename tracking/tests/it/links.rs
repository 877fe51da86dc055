//! Links: asked for before and after their campaign is known.

use axum::http::StatusCode;
use runtime::testing::{operator, partner, until};
use serde_json::{Value, json};
use types::ids::Asker;

use crate::app::*;

fn link(campaign: &str) -> Value {
    json!({"campaign_id": campaign, "target_url": "https://shop.example/"})
}

#[tokio::test]
async fn a_partner_makes_a_link_of_its_own_and_a_key_makes_it_once() {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    let token = partner(PARTNER);
    let (status, first) = service
        .post_with_key(LINKS, &token, "k1", &link(CAMPAIGN))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    assert_eq!(first["partner_id"], PARTNER);
    let code = first["code"].as_str().unwrap();
    assert!(code.starts_with("lnk_"));
    assert_eq!(first["path"], format!("/c/{code}"));
    let (status, again) = service
        .post_with_key(LINKS, &token, "k1", &link(CAMPAIGN))
        .await;
    assert_eq!((status, &again), (StatusCode::CREATED, &first));
    let asker = Asker {
        subject: PARTNER,
        partner: Some(PARTNER),
        brand: None,
    };
    service.assert_commands_follow_from(&[asker], &["k1"]).await;
    let other = json!({"campaign_id": CAMPAIGN, "target_url": "https://shop.example/other"});
    let (status, problem) = service.post_with_key(LINKS, &token, "k1", &other).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    service.stop().await;
}

#[tokio::test]
async fn a_link_waits_for_a_campaign_and_an_enrollment_that_are_on_their_way() {
    let mut service = start().await;
    let token = partner(PARTNER);
    let body = link(CAMPAIGN);
    let request = service.client.post(format!("{}{LINKS}", service.base_url));
    let response = request
        .bearer_auth(&token)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let status = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(service.get(&status, &token).await.1["status"], "pending");
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    wait_for(&service, "link.created.v1").await;
    assert_eq!(service.get(&status, &token).await.1["status"], "completed");
    service.stop().await;
}

#[tokio::test]
async fn a_link_of_a_campaign_that_never_comes_is_refused_after_ten_seconds() {
    let service = start().await;
    let token = partner(PARTNER);
    let (status, body) = service.post(LINKS, &token, &link("nowhere")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let path = format!(
        "/api/v1/tracking/commands/{}",
        body["command_id"].as_str().unwrap()
    );
    service.advance_clock(11).await;
    until("the refusal", || async {
        service.get(&path, &token).await.1["status"] == "rejected"
    })
    .await;
    assert_eq!(
        service.get(&path, &token).await.1["code"],
        "timed_out_waiting"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_taken_code_another_host_and_another_partner_are_refused() {
    let service = start_with_link().await;
    let with_code = with(with(link(CAMPAIGN), "code", "lnk_1"), "partner_id", PARTNER);
    let (status, problem) = service.post(LINKS, &operator(), &with_code).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("link_exists"))
    );
    let astray = with(
        link(CAMPAIGN),
        "target_url",
        "https://shop.example.evil.example/",
    );
    let (status, problem) = service.post(LINKS, &partner(PARTNER), &astray).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("host_not_allowed"))
    );
    assert_eq!(problem["errors"][0]["pointer"], "/target_url");
    let theirs = with(link(CAMPAIGN), "partner_id", PARTNER);
    let (status, problem) = service.post(LINKS, &partner("partner9"), &theirs).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("not_enrolled"))
    );
    service.stop().await;
}
