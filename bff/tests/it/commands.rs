//! Where commands stand.

use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{message, operator, partner};
use schemas::{Body, CommandRejectedV1, CommandStalledV1, Topic};
use serde_json::Value;
use types::ids::Asker;
use uuid::Uuid;

use crate::app::{
    accept, acceptance, accepted, bff, count, deliver_outcome, facts, last, logged, outcome,
    partner123, payout, payout_requested, publish_key, rejected,
};
use crate::idempotency::SHA256_OF_K1;

async fn status(app: &runtime::testing::TestService, command: Uuid) -> Value {
    let path = format!("/api/v1/commands/{command}");
    let (status, body) = app.get(&path, &partner123()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn a_command_is_pending_until_its_outcome_comes() {
    let app = bff().await;
    let command = accept(&app, &partner123()).await;
    assert_eq!(status(&app, command).await["status"], "pending");
    let submitted = logged(&app, command).await;
    deliver_outcome(&app, Topic::CampaignEvents, &submitted, accepted()).await;
    let body = status(&app, command).await;
    assert_eq!(body["status"], "completed");
    assert_eq!(body["type"], "campaign.accept.command.v1");
    assert_eq!(body["subject"], submitted.header.subject);
    assert!(body["decided_at"].is_string(), "{body}");
}

#[tokio::test]
async fn a_refusal_shows_at_the_status_with_its_code() {
    let app = bff().await;
    let command = accept(&app, &partner123()).await;
    let submitted = logged(&app, command).await;
    let refusal = rejected("already_accepted");
    deliver_outcome(&app, Topic::CampaignEvents, &submitted, refusal).await;
    let body = status(&app, command).await;
    assert_eq!(body["status"], "rejected");
    assert_eq!(body["code"], "already_accepted");
    assert_eq!(body["pointer"], "/terms_version");
}

#[tokio::test]
async fn what_an_operator_dropped_shows_as_dropped() {
    let app = bff().await;
    let command = accept(&app, &partner123()).await;
    let submitted = logged(&app, command).await;
    let refusal = rejected("dropped_by_operator");
    deliver_outcome(&app, Topic::CampaignEvents, &submitted, refusal).await;
    assert_eq!(status(&app, command).await["status"], "dropped");
}

#[tokio::test]
async fn a_stuck_command_needs_attention_and_may_still_end_but_an_end_stays() {
    let app = bff().await;
    let command = accept(&app, &partner123()).await;
    let submitted = logged(&app, command).await;
    let stalled = Body::from(CommandStalledV1 {
        command_type: submitted.header.kind.clone(),
        reason: "relation \"secrets\" does not exist".to_owned(),
        attempts: 5,
    });
    let topic = Topic::CampaignEvents;
    let mut stuck = outcome(&app, topic, &submitted, stalled).await;
    stuck.header.outcome_of = None;
    app.deliver_all(topic, vec![stuck]).await;
    let body = status(&app, command).await;
    assert_eq!(body["status"], "needs_attention");
    assert!(!body.to_string().contains("secrets"), "{body}");

    deliver_outcome(&app, topic, &submitted, accepted()).await;
    assert_eq!(status(&app, command).await["status"], "completed");
    deliver_outcome(&app, topic, &submitted, rejected("already_accepted")).await;
    assert_eq!(status(&app, command).await["status"], "completed");
}

#[tokio::test]
async fn stuck_and_ended_in_one_entry_is_ended() {
    let app = bff().await;
    let command = accept(&app, &partner123()).await;
    let submitted = logged(&app, command).await;
    let topic = Topic::CampaignEvents;
    let stalled = Body::from(CommandStalledV1 {
        command_type: submitted.header.kind.clone(),
        reason: "it panicked".to_owned(),
        attempts: 5,
    });
    let mut stuck = outcome(&app, topic, &submitted, stalled).await;
    stuck.header.outcome_of = None;
    let mut end = outcome(&app, topic, &submitted, accepted()).await;
    end.header.sequence = Some(2);
    app.deliver_all(topic, vec![stuck, end]).await;
    assert_eq!(status(&app, command).await["status"], "completed");
}

#[tokio::test]
async fn outcomes_of_commands_that_were_asked_elsewhere_are_passed_by() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    let mut anothers = message(topic, "camp123", "enr_1", accepted(), Some(1));
    anothers.header.outcome_of = Some(Uuid::now_v7());
    let answers = app.deliver_all(topic, vec![anothers]).await;
    assert!(matches!(answers[0], Answer::Done(_)), "{answers:?}");
    facts(&app, topic, &[("camp123", "enr_2", accepted())]).await;
    assert_eq!(count(&app, "outcomes").await, 0);
}

#[tokio::test]
async fn a_key_that_was_used_at_a_service_first_finds_its_outcome_here() {
    let app = bff().await;
    let asker = Asker {
        subject: "partner123",
        partner: Some("partner123"),
        brand: None,
    };
    let command = asker.command_id("campaign.accept.command.v1", SHA256_OF_K1);
    let topic = Topic::CampaignEvents;
    let mut earlier = message(topic, "camp123", "enr_1", accepted(), Some(1));
    earlier.header.outcome_of = Some(command);
    earlier.header.actor = Some(runtime::testing::operator_actor());
    app.deliver_all(topic, vec![earlier]).await;
    let path = "/api/v1/campaigns/camp123/accept";
    app.post_with_key(path, &partner123(), "k1", &acceptance())
        .await;
    assert_eq!(last(&app).await.header.id, command);
    assert_eq!(status(&app, command).await["status"], "completed");
}

/// A refusal of a command of this kind.
fn refusal_of(kind: &str) -> Body {
    CommandRejectedV1 {
        command_type: kind.to_owned(),
        code: "invalid_field".to_owned(),
        detail: "no".to_owned(),
        pointer: None,
    }
    .into()
}

/// What other services, and this one of other commands, say under the id of a payout's command.
fn none_of_its_outcomes() -> Vec<(Topic, Body)> {
    let payout = "payment.request_payout.command.v1";
    let stalled = Body::from(CommandStalledV1 {
        command_type: payout.to_owned(),
        reason: "none of its business".to_owned(),
        attempts: 5,
    });
    vec![
        (
            Topic::TrackingEvents,
            refusal_of("tracking.record_event.command.v1"),
        ),
        (Topic::TrackingEvents, refusal_of(payout)),
        (Topic::CampaignEvents, refusal_of(payout)),
        (Topic::CampaignEvents, stalled),
        (Topic::CampaignEvents, accepted()),
        (
            Topic::PaymentEvents,
            refusal_of("payment.begin_payout.command.v1"),
        ),
        (
            Topic::PaymentEvents,
            refusal_of("tracking.record_event.command.v1"),
        ),
        (Topic::PaymentEvents, refusal_of("no.such.command.v1")),
    ]
}

#[tokio::test]
async fn only_its_own_service_and_what_its_kind_may_end_in_end_a_command() {
    let app = bff().await;
    publish_key(&app, "key1", 3_600).await;
    let path = "/api/v1/payments/request";
    for early in [true, false] {
        let key = format!("key, early {early}").replace(' ', "-");
        let asker = Asker {
            subject: "partner123",
            partner: Some("partner123"),
            brand: None,
        };
        let hash = chassis::idempotency::IdempotencyKey::parse(&key)
            .unwrap()
            .hash();
        let id = asker.command_id("payment.request_payout.command.v1", &hash);
        let mut theirs = message(Topic::PaymentEvents, "p", "p", payout_requested(1), None);
        theirs.header.id = id;
        theirs.header.actor = Some(runtime::testing::operator_actor());
        if early {
            for (topic, body) in none_of_its_outcomes() {
                deliver_outcome(&app, topic, &theirs, body).await;
            }
        }
        let (_, answer) = app
            .post_with_key(path, &partner123(), &key, &payout())
            .await;
        assert_eq!(answer["command_id"], id.to_string(), "{answer}");
        if !early {
            for (topic, body) in none_of_its_outcomes() {
                deliver_outcome(&app, topic, &theirs, body).await;
            }
        }
        assert_eq!(status(&app, id).await["status"], "pending");
        let own = logged(&app, id).await;
        deliver_outcome(&app, Topic::PaymentEvents, &own, payout_requested(15_000)).await;
        assert_eq!(status(&app, id).await["status"], "completed");
    }
}

#[tokio::test]
async fn anothers_command_is_as_unknown_as_one_that_never_was() {
    let app = bff().await;
    let command = accept(&app, &partner123()).await;
    let path = format!("/api/v1/commands/{command}");
    let (anothers, body) = app.get(&path, &partner("partner9")).await;
    let never = format!("/api/v1/commands/{}", Uuid::now_v7());
    let (unknown, _) = app.get(&never, &partner("partner9")).await;
    assert_eq!(anothers, StatusCode::NOT_FOUND, "{body}");
    assert_eq!(unknown, StatusCode::NOT_FOUND);
    assert_eq!(app.get(&path, &operator()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_callers_own_commands_are_listed_newest_first_in_pages() {
    let app = bff().await;
    let token = partner123();
    let mut commands = Vec::new();
    for _ in 0..5 {
        commands.push(accept(&app, &token).await.to_string());
    }
    accept(&app, &partner("partner9")).await;
    commands.reverse();
    let mut listed = Vec::new();
    let mut path = "/api/v1/commands?limit=2".to_owned();
    loop {
        let (status, page) = app.get(&path, &token).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        listed.extend(
            items
                .iter()
                .map(|item| item["command_id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/commands?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(listed, commands);
}

#[tokio::test]
async fn who_has_very_many_commands_is_shown_a_part_of_those_that_stand_so_at_a_time() {
    let app = bff().await;
    let token = partner123();
    let (first, second) = (accept(&app, &token).await, accept(&app, &token).await);
    for command in [first, second] {
        let submitted = logged(&app, command).await;
        deliver_outcome(&app, Topic::CampaignEvents, &submitted, accepted()).await;
    }
    // As many as are looked at, and these two behind them: the first page ends between the two.
    let more = "INSERT INTO commands (id, position, type, subject, caller, partner_id, brand_id, correlation_id, accepted_at)
        SELECT gen_random_uuid(), c.position + n, c.type, c.subject, c.caller, c.partner_id, c.brand_id, c.correlation_id, c.accepted_at
          FROM commands c, generate_series(1, 9999) n WHERE c.id = $1";
    let more = sqlx::query(more).bind(second);
    more.execute(app.pool()).await.unwrap();
    let mut pages = Vec::new();
    let mut path = "/api/v1/commands?status=completed".to_owned();
    loop {
        let (status, page) = app.get(&path, &token).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap().iter();
        let items = items.map(|it| it["command_id"].as_str().unwrap().to_owned());
        pages.push(items.collect::<Vec<_>>());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/commands?status=completed&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(pages, [[second.to_string()], [first.to_string()]]);
}

#[tokio::test]
async fn commands_are_listed_by_where_they_stand() {
    let app = bff().await;
    let token = partner123();
    let (first, second) = (accept(&app, &token).await, accept(&app, &token).await);
    let submitted = logged(&app, first).await;
    deliver_outcome(&app, Topic::CampaignEvents, &submitted, accepted()).await;
    for (status, command) in [("completed", first), ("pending", second)] {
        let path = format!("/api/v1/commands?status={status}");
        let (_, page) = app.get(&path, &token).await;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page}");
        assert_eq!(items[0]["command_id"], command.to_string());
    }
}
