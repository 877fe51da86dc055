//! Writes become commands in the log.

use axum::http::StatusCode;
use host::testing::partner;
use money::{CampaignId, EnrollmentId, PartnerId};
use schemas::{Body, Topic};

use crate::app::{accept, acceptance, accepted, bff, id, logged, parts, rejected, tell};

#[tokio::test]
async fn a_write_is_answered_202_and_stands_in_the_log_as_a_command() {
    let app = bff().await;
    let token = partner("partner123");
    let response = app
        .client
        .post(format!("{}/api/v1/campaigns/camp123/accept", app.base_url))
        .bearer_auth(&token)
        .header("x-correlation-id", "0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e")
        .json(&acceptance())
        .send()
        .await
        .unwrap();
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let (status, body) = parts(response).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(body["status"], "pending");
    assert_eq!(
        body["correlation_id"],
        "0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e"
    );
    let command = logged(&app, id(&body["command_id"])).await;
    assert_eq!(location, format!("/api/v1/commands/{}", command.header.id));
    let header = &command.header;
    assert_eq!(header.kind, "campaign.accept.command.v1");
    assert_eq!((header.source.as_str(), header.sequence), ("bff", Some(1)));
    assert_eq!(header.key, "camp123");
    let enrollment = EnrollmentId::of(
        &CampaignId::parse("camp123").unwrap(),
        &PartnerId::parse("partner123").unwrap(),
    );
    assert_eq!(header.subject, enrollment.as_str());
    let actor = header.actor.as_ref().unwrap();
    assert_eq!(actor.partner_id.as_deref(), Some("partner123"));
    let Body::AcceptV1(accept) = &command.body else {
        panic!("{command:?}")
    };
    assert_eq!(
        accept.metadata.as_deref(),
        Some(r#"{"source":"mobile_app"}"#)
    );
}

#[tokio::test]
async fn a_command_is_pending_until_its_outcome_comes() {
    let app = bff().await;
    let token = partner("partner123");
    let command = accept(&app, &token).await;
    let path = format!("/api/v1/commands/{command}");
    assert_eq!(app.get(&path, &token).await.1["status"], "pending");
    let logged = logged(&app, command).await;
    tell(&app, Topic::CampaignEvents, &logged, accepted()).await;
    let (status, body) = app.get(&path, &token).await;
    assert_eq!(
        (status, &body["status"]),
        (StatusCode::OK, &"completed".into())
    );
}

#[tokio::test]
async fn a_refusal_shows_at_the_status_with_its_code() {
    let app = bff().await;
    let token = partner("partner123");
    let command = accept(&app, &token).await;
    let refused = logged(&app, command).await;
    tell(
        &app,
        Topic::CampaignEvents,
        &refused,
        rejected("already_accepted"),
    )
    .await;
    let (_, body) = app
        .get(&format!("/api/v1/commands/{command}"), &token)
        .await;
    assert_eq!(body["status"], "rejected");
    assert_eq!(body["code"], "already_accepted");
    assert_eq!(body["pointer"], "/terms_version");
    assert!(body["decided_at"].is_string(), "{body}");
}
