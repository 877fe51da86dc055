//! The bff under test, and the facts that other services would send it.

use axum::http::StatusCode;
use host::testing::{TestService, message};
use pipeline::Answer;
use reqwest::Response;
use schemas::{Body, CommandRejectedV1, EnrollmentAcceptedV1, Message, Topic};
use serde_json::{Value, json};
use uuid::Uuid;

/// A running bff.
pub async fn bff() -> TestService {
    TestService::start(bff::define).await
}

/// The body of the walk's second step.
pub fn acceptance() -> Value {
    json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})
}

/// Accepts camp123, and returns the command's id.
pub async fn accept(app: &TestService, token: &str) -> Uuid {
    let (status, body) = app
        .post("/api/v1/campaigns/camp123/accept", token, &acceptance())
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    id(&body["command_id"])
}

/// A UUID of a body.
pub fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

/// Delivers an event as the outcome of a command, next in its topic's stream.
pub async fn tell(app: &TestService, topic: Topic, command: &Message, body: Body) -> Answer {
    let sequence = next(app, topic).await;
    let (key, subject) = (&command.header.key, &command.header.subject);
    let mut event = message(topic, key, subject, body, Some(sequence));
    event.header.outcome_of = Some(command.header.id);
    event.header.causation_id = Some(command.header.id);
    event.header.correlation_id = command.header.correlation_id;
    event.header.actor.clone_from(&command.header.actor);
    app.deliver_all(topic, vec![event]).await.remove(0)
}

/// The sequence that the topic's stream goes on with.
pub async fn next(app: &TestService, topic: Topic) -> i64 {
    let at: Option<i64> =
        sqlx::query_scalar("SELECT max(sequence) FROM pipeline.watermark WHERE topic = $1")
            .bind(topic.name())
            .fetch_one(app.pool())
            .await
            .unwrap();
    at.unwrap_or(0) + 1
}

/// The command of that id, as it stands in the log.
pub async fn logged(app: &TestService, id: Uuid) -> Message {
    let log = app.log().await;
    log.into_iter().find(|m| m.header.id == id).unwrap()
}

/// That partner123 is in.
pub fn accepted() -> Body {
    EnrollmentAcceptedV1 {
        partner_id: "partner123".to_owned(),
        terms_version: 1,
    }
    .into()
}

/// A refusal.
pub fn rejected(code: &str) -> Body {
    CommandRejectedV1 {
        command_type: "campaign.accept.command.v1".to_owned(),
        code: code.to_owned(),
        detail: "version 1 of the terms is accepted already".to_owned(),
        pointer: Some("/terms_version".to_owned()),
    }
    .into()
}

/// Status and JSON of an answer whose headers were looked at.
pub async fn parts(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, response.json().await.unwrap())
}
