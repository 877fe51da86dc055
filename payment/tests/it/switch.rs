//! Operators say whether money may leave.

use axum::http::StatusCode;
use runtime::testing::{brand, operator, partner, until};
use serde_json::{Value, json};

use crate::app::{App, run};
use crate::decided::{decided, proposed, refused};

const PAYOUTS: &str = "/api/v1/operator/payment/payouts";
const RUNBOOK: &str = include_str!("../../../docs/runbooks/restore.md");

async fn turn(app: &App, verb: &str, token: &str, body: &Value) -> (StatusCode, Value) {
    let path = format!("{PAYOUTS}/{verb}");
    app.service.post(&path, token, body).await
}

pub(crate) async fn turned(app: &App, verb: &str, reason: &str) -> Value {
    let (status, switch) = turn(app, verb, &operator(), &json!({"reason": reason})).await;
    assert_eq!(status, StatusCode::OK, "{switch}");
    switch
}

async fn switch(app: &App) -> Value {
    let path = format!("{PAYOUTS}/switch");
    app.service.get(&path, &operator()).await.1
}

/// Acts upon payouts, the latest first: who, what, why.
pub(crate) async fn acts(app: &App) -> Vec<[String; 3]> {
    let path = "/api/v1/operator/payment/audit?action=payouts";
    let (_, page) = app.service.get(path, &operator()).await;
    let items = page["items"].as_array().unwrap().iter();
    let text = |act: &Value, name: &str| act[name].as_str().unwrap().to_owned();
    items
        .map(|act| ["actor", "action", "reason"].map(|name| text(act, name)))
        .collect()
}

async fn until_looked_up(app: &App, id: &str) {
    app.provider.calls();
    let look_up = format!("GET /v1/payouts/{id}");
    until("it is looked up", || async {
        app.provider.calls().contains(&look_up)
    })
    .await;
}

#[tokio::test]
async fn while_payouts_are_paused_none_is_submitted_and_when_they_are_resumed_all_are() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    // One that the provider has and is slow to pay: its look-ups show that the worker goes on.
    app.provider
        .control(json!({ "settle_ms": 86_400_000 }))
        .await;
    let slow = app.granted("partner123", "1.00").await;
    app.until_status(&slow, "submitted").await;
    // One of which nobody knows: the look-up will say that it never came, so that it is to be handed over again.
    app.provider.control(json!({ "lookups_fail": true })).await;
    let indeterminate = app.granted("partner123", "2.00").await;
    app.until_status(&indeterminate, "unknown").await;

    assert_eq!(switch(&app).await["paused"], false);
    assert_eq!(switch(&app).await["since"], Value::Null);
    let paused = turned(&app, "pause", "the provider pays twice").await;
    assert_eq!(
        (&paused["paused"], &paused["by"]),
        (&json!(true), &json!("operator"))
    );
    assert!(paused["since"].is_string());
    let mended = json!({ "lookups_fail": false, "settle_ms": 0 });
    app.provider.control(mended).await;
    let submitted = app.granted("partner123", "3.00").await;
    app.until_status(&indeterminate, "submitting").await;
    for id in [&slow, &indeterminate, &slow, &indeterminate] {
        until_looked_up(&app, id).await;
    }
    assert_eq!(app.payout(&submitted).await["status"], "requested");
    assert_eq!(app.payout(&indeterminate).await["status"], "submitting");
    assert_eq!(app.provider.taken().await, [slow.as_str()]);

    let resumed = turned(&app, "resume", "it was mended").await;
    assert_eq!(resumed["paused"], false);
    app.until_status(&submitted, "paid").await;
    app.until_status(&indeterminate, "paid").await;
    assert_eq!(app.provider.taken().await.len(), 3);
    assert_eq!(
        acts(&app).await,
        [
            ["operator", "payouts.resume", "it was mended"],
            ["operator", "payouts.pause", "the provider pays twice"],
        ]
    );
    app.assert_state_is_the_fold_of_its_log().await;
}

/// What the runbook has operators do to a restored database.
#[tokio::test]
async fn the_statement_of_the_runbook_for_restores_pauses_payouts() {
    let statement = |line: &'static str| line.trim().split_once(" -c \"")?.1.strip_suffix('"');
    let statement = RUNBOOK.lines().find_map(statement).unwrap();
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    sqlx::raw_sql(statement)
        .execute(app.service.pool())
        .await
        .unwrap();
    let paused = switch(&app).await;
    assert_eq!(
        (&paused["paused"], &paused["by"]),
        (&json!(true), &json!("restore"))
    );
    let id = app.granted("partner123", "1.00").await;
    assert_eq!(app.payout(&id).await["status"], "requested");
    turned(&app, "resume", "the statement was compared").await;
    app.until_status(&id, "paid").await;
}

#[tokio::test]
async fn what_the_provider_had_before_the_pause_is_found_out_while_payouts_are_paused() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    let id = app.granted("partner123", "2.00").await;
    app.until_status(&id, "unknown").await;
    turned(&app, "pause", "the provider pays twice").await;
    app.provider.control(json!({ "lookups_fail": false })).await;
    app.until_status(&id, "submitting").await;
    // An earlier submission was long on its way.
    app.provider.take(&id, "2.00").await;
    app.until_status(&id, "paid").await;
    assert_eq!(switch(&app).await["paused"], true);
    assert_eq!(app.provider.taken().await, [id]);
    app.assert_state_is_the_fold_of_its_log().await;
}

/// A provider's statement has it, and payment does not: what the runbook has an operator request for it, while payouts are paused.
#[tokio::test]
async fn what_the_runbook_requests_again_is_accepted_and_decided_to_be_paid_and_reaches_no_provider()
 {
    let mut app = App::start().await;
    app.earn("partner123", 40_000).await;
    turned(&app, "pause", "the database was restored").await;
    let body = RUNBOOK.lines().find_map(|line| {
        let body = line.trim().strip_prefix("-d '{\"partner_id\"")?;
        Some(format!("{{\"partner_id\"{}", body.strip_suffix('\'')?))
    });
    let by_paypal: Value = serde_json::from_str(&body.unwrap()).unwrap();
    let (_, iban) = RUNBOOK.split_once("`{\"iban\": \"").unwrap();
    let (iban, _) = iban.split_once('"').unwrap();
    let mut by_transfer = by_paypal.clone();
    by_transfer["payment_method"] = json!("bank_transfer");
    by_transfer["account_details"] = json!({ "iban": iban });
    for body in [by_paypal, by_transfer] {
        let path = "/api/v1/payment/payouts";
        let (status, requested) = app.service.post(path, &operator(), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{requested}");
        let id = requested["id"].as_str().unwrap();
        assert_eq!(app.payout(id).await["status"], "requested");
        proposed(&app, id, "alice", "paid").await;
        decided(&app, id, "bob", "paid").await;
        assert_eq!(app.payout(id).await["status"], "paid");
    }
    turned(&app, "resume", "all are compared").await;
    let later = app.granted("partner123", "3.00").await;
    app.until_status(&later, "paid").await;
    assert_eq!(app.provider.taken().await, [later]);
}

/// Then the log's time stands still, and what waits for it to go on waits until the log's end has come.
#[tokio::test]
async fn a_minute_of_a_pause_passes_also_while_the_log_is_ahead_of_the_clock() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "unknown").await;
    let ahead = "UPDATE pipeline.log_head SET last_time = last_time + 3600000000";
    run(&app, ahead).await;
    turned(&app, "pause", "the clock was ahead").await;
    app.provider.control(json!({ "lookups_fail": false })).await;
    app.until_status(&id, "submitting").await;
    refused(&app, &id, "failed").await;
    run(&app, "UPDATE pipeline.log_head SET clock_offset = 60000000").await;
    proposed(&app, &id, "alice", "failed").await;
    decided(&app, &id, "bob", "failed").await;
    assert!(app.provider.taken().await.is_empty());
}

#[tokio::test]
async fn payouts_stay_paused_for_a_process_that_starts_later() {
    let app = App::start().await;
    turned(&app, "pause", "maintenance").await;
    let later = app.replica().await;
    let path = format!("{PAYOUTS}/switch");
    assert_eq!(later.get(&path, &operator()).await.1["paused"], true);
}

#[tokio::test]
async fn an_act_that_cannot_be_audited_is_not_done() {
    let app = App::start().await;
    let away = "ALTER TABLE pipeline.audit RENAME TO audit_away";
    sqlx::raw_sql(away)
        .execute(app.service.pool())
        .await
        .unwrap();
    let body = json!({"reason": "the provider pays twice"});
    let (status, problem) = turn(&app, "pause", &operator(), &body).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{problem}");
    assert_eq!(switch(&app).await["paused"], false);
}

#[tokio::test]
async fn nobody_else_turns_the_switch_and_no_operator_without_a_reason() {
    let app = App::start().await;
    let with_reason = json!({"reason": "because"});
    for token in [partner("partner123"), brand("brand1")] {
        for verb in ["pause", "resume", "payout1/decide"] {
            let (status, _) = turn(&app, verb, &token, &with_reason).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{verb}");
        }
        let read = app.service.get(&format!("{PAYOUTS}/switch"), &token).await;
        assert_eq!(read.0, StatusCode::FORBIDDEN);
    }
    for body in [
        json!({}),
        json!({"reason": ""}),
        json!({"reason": "x".repeat(501)}),
        json!({"reason": "a\nb"}),
        json!({"reason": "because", "paused": true}),
    ] {
        let (status, problem) = turn(&app, "pause", &operator(), &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }
    assert_eq!(switch(&app).await["paused"], false);
    assert!(acts(&app).await.is_empty());
}
