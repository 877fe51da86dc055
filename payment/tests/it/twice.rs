//! Money that somebody tries to move twice, or without being asked.

use runtime::testing::message;
use schemas::{Body, RecordPayoutAnswerV1, Topic};
use serde_json::json;

use crate::app::{App, calculated};
use crate::sealing_keys::{code, command, published};

#[tokio::test]
async fn two_payouts_of_one_entry_never_spend_one_balance_twice() {
    let mut app = App::start().await;
    app.earn("partner123", 10_000).await;
    let key = published(&app).await;
    let submitted = vec![
        command(&key, "partner123", 8_000),
        command(&key, "partner123", 8_000),
        command(&key, "partner123", 2_000),
    ];
    let answers = app
        .service
        .deliver_all(Topic::PaymentCommands, submitted)
        .await;
    let codes: Vec<&str> = answers.iter().map(code).collect();
    assert_eq!(codes, ["done", "insufficient_balance", "done"]);
    app.provider.until_taken(2).await;
    assert_eq!(app.balance("partner123", "payable").await, "0.00");
    app.assert_ledger_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn one_request_twice_in_one_entry_is_one_payout() {
    let mut app = App::start().await;
    app.earn("partner123", 10_000).await;
    let submitted = command(&published(&app).await, "partner123", 4_000);
    let twins = vec![submitted.clone(), submitted.clone()];
    let answers = app.service.deliver_all(Topic::PaymentCommands, twins).await;
    let codes: Vec<&str> = answers.iter().map(code).collect();
    assert_eq!(codes, ["done", "repeated"]);
    let mut other = command(&published(&app).await, "partner123", 4_000);
    other.header.subject = submitted.header.subject;
    let answers = app.service.deliver_all(Topic::PaymentCommands, vec![other]);
    assert_eq!(code(&answers.await[0]), "payout_exists");
    app.provider.until_taken(1).await;
    assert_eq!(app.balance("partner123", "payable").await, "60.00");
}

#[tokio::test]
async fn nobody_asks_for_money_in_the_systems_name() {
    let mut app = App::start().await;
    app.earn("partner123", 10_000).await;
    let mut submitted = command(&published(&app).await, "partner123", 4_000);
    submitted.header.actor = None;
    submitted.header.source = "payment".to_owned();
    let answers = app
        .service
        .deliver_all(Topic::PaymentCommands, vec![submitted]);
    // Of services' commands only the bff's are taken: it has seen who asks.
    assert_eq!(code(&answers.await[0]), "parked");
    assert_eq!(app.balance("partner123", "payable").await, "100.00");
}

#[tokio::test]
async fn an_answer_of_the_provider_that_comes_from_outside_moves_nothing() {
    let mut app = App::start().await;
    app.earn("partner123", 10_000).await;
    app.provider.control(json!({ "settle_ms": 600_000 })).await;
    let id = app.granted("partner123", "40.00").await;
    app.until_status(&id, "submitted").await;
    let last_event: uuid::Uuid = sqlx::query_scalar("SELECT last_event FROM payouts")
        .fetch_one(app.service.pool())
        .await
        .unwrap();
    let body = Body::from(RecordPayoutAnswerV1 {
        answer: "failed".to_owned(),
        provider_ref: None,
        reason: None,
    });
    let topic = Topic::PaymentCommands;
    for source in ["bff", "payment"] {
        let mut forged = message(topic, "partner123", &id, body.clone(), None);
        forged.header.source = source.to_owned();
        forged.header.causation_id = Some(last_event);
        let answers = app.service.deliver_all(topic, vec![forged]).await;
        assert_eq!(code(&answers[0]), "parked", "{source}");
    }
    assert_eq!(app.payout(&id).await["status"], "submitted");
    assert_eq!(app.balance("partner123", "in_transit").await, "40.00");
    assert_eq!(app.balance("partner123", "payable").await, "60.00");
}

#[tokio::test]
async fn a_fact_that_is_indistinguishable_from_its_repetition_moves_nothing() {
    let mut app = App::start().await;
    app.earn("partner123", 10_000).await;
    let topic = Topic::CommissionEvents;
    let fact = |sequence| {
        let body = calculated("partner123", 500, "USD", "approved").into();
        message(topic, "c1", "c1", body, sequence)
    };
    let unnumbered = fact(None);
    let mut anothers = fact(Some(1));
    anothers.header.source = "tracking".to_owned();
    for forged in [unnumbered, anothers] {
        let answers = app.service.deliver_all(topic, vec![forged.clone(), forged]);
        assert_eq!(code(&answers.await[0]), "parked");
    }
    assert_eq!(app.balance("partner123", "payable").await, "100.00");
}
