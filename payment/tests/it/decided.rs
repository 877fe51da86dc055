//! Two operators say what became of a payout of which nobody knows.

use axum::http::StatusCode;
use chassis::auth::Role;
use runtime::testing::{claims, mint, until};
use serde_json::{Value, json};

use crate::app::{App, run};
use crate::switch::{acts, turned};

/// A payout of 150.00 of which nobody knows; look-ups go on to fail.
async fn indeterminate() -> (App, String) {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "unknown").await;
    (app, id)
}

async fn decide(app: &App, id: &str, who: &str, decision: &str) -> (StatusCode, Value) {
    let path = format!("/api/v1/operator/payment/payouts/{id}/decide");
    let token = mint(&claims(who).role(Role::Operator));
    let body = json!({"decision": decision, "reason": format!("{who} saw the ledger")});
    app.service.post(&path, &token, &body).await
}

pub(crate) async fn proposed(app: &App, id: &str, who: &str, decision: &str) {
    let before = app.payout(id).await;
    let (status, answer) = decide(app, id, who, decision).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["state"], "proposed", "{answer}");
    assert_eq!(app.payout(id).await["status"], before["status"]);
}

pub(crate) async fn decided(app: &App, id: &str, who: &str, decision: &str) {
    let (status, answer) = decide(app, id, who, decision).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["state"], "decided", "{answer}");
}

pub(crate) async fn refused(app: &App, id: &str, decision: &str) {
    let (status, problem) = decide(app, id, "bob", decision).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(problem["code"], "payout_not_there", "{problem}");
}

async fn until_called(app: &App, call: &str) {
    let call = call.to_owned();
    until(&call, || async { app.provider.calls().contains(&call) }).await;
}

#[tokio::test]
async fn it_takes_two_operators_who_say_the_same() {
    let (app, id) = indeterminate().await;
    proposed(&app, &id, "alice", "paid").await;
    proposed(&app, &id, "alice", "paid").await;
    proposed(&app, &id, "bob", "failed").await;
    proposed(&app, &id, "alice", "paid").await;
    decided(&app, &id, "bob", "paid").await;
    let payout = app.payout(&id).await;
    assert_eq!(payout["status"], "paid", "{payout}");
    assert_eq!(app.balance("partner123", "paid_out").await, "150.00");
    assert_eq!(app.balance("partner123", "in_transit").await, "0.00");
    let acts = acts(&app).await;
    let acts: Vec<[&str; 2]> = acts
        .iter()
        .map(|[who, what, _]| [who.as_str(), what.as_str()])
        .collect();
    let proposal = "payouts.propose";
    assert_eq!(
        acts,
        [
            ["bob", "payouts.decide"],
            ["alice", proposal],
            ["bob", proposal],
            ["alice", proposal],
            ["alice", proposal],
        ]
    );
    refused(&app, &id, "paid").await;
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn what_operators_say_among_themselves_is_not_shown_to_the_partner() {
    let (app, id) = indeterminate().await;
    proposed(&app, &id, "alice", "failed").await;
    decided(&app, &id, "bob", "failed").await;
    let payout = app.payout(&id).await;
    assert_eq!(payout["status"], "failed", "{payout}");
    assert_eq!(payout["reason"], "an operator decided so");
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
    let log = format!("{:?}", app.service.log().await);
    assert!(!log.contains("saw the ledger"), "{log}");
    assert_eq!(acts(&app).await[0][2], "bob saw the ledger");
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_proposal_is_void_once_the_payout_has_moved_on() {
    let (app, id) = indeterminate().await;
    proposed(&app, &id, "alice", "failed").await;
    // It is handed over again, and nobody knows again.
    app.provider.calls();
    app.provider
        .control(json!({ "lookups_fail": false, "fault": "fail_before" }))
        .await;
    until_called(&app, "POST /v1/payouts").await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    // One more submission may be on its way; the look-up after it fails, and those after that change nothing.
    for _ in 0..3 {
        until_called(&app, &format!("GET /v1/payouts/{id}")).await;
    }
    app.until_status(&id, "unknown").await;
    proposed(&app, &id, "bob", "failed").await;
    decided(&app, &id, "alice", "failed").await;
    assert!(app.provider.taken().await.is_empty());
}

#[tokio::test]
async fn one_operator_may_have_it_looked_up_at_once() {
    let (app, id) = indeterminate().await;
    // As after many failures: it would be looked up in a minute.
    run(
        &app,
        "UPDATE payouts SET attempt = 9, updated_at = updated_at - 60000000; UPDATE aside.calls SET tries = 9, next_at = next_at + 59000000",
    )
    .await;
    app.provider.control(json!({ "lookups_fail": false })).await;
    decided(&app, &id, "alice", "look_up").await;
    app.until_status(&id, "paid").await;
}

#[tokio::test]
async fn a_decision_that_the_providers_answer_overtakes_is_refused() {
    let (app, id) = indeterminate().await;
    proposed(&app, &id, "alice", "failed").await;
    let waiting = |writers: i64| {
        let service = &app.service;
        move || async move { service.waiting_writers().await >= writers }
    };
    let holder = app.service.hold_writer_lock().await;
    let deciding = decide(&app, &id, "bob", "failed");
    let overtaking = async {
        until("the decision waits to be noted", waiting(1)).await;
        app.provider.control(json!({ "lookups_fail": false })).await;
        until("the answer waits behind it", waiting(2)).await;
        holder.rollback().await.unwrap();
    };
    let ((status, answer), ()) = tokio::join!(deciding, overtaking);
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(answer["code"], "payout_not_there", "{answer}");
    app.until_status(&id, "paid").await;
    assert_eq!(app.balance("partner123", "payable").await, "50.00");
}

#[tokio::test]
async fn only_a_payout_of_which_nobody_knows_is_decided_upon() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "paid").await;
    for decision in ["paid", "failed", "look_up"] {
        refused(&app, &id, decision).await;
    }
    let (status, _) = decide(&app, "nobodys", "bob", "paid").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, problem) = decide(&app, &id, "bob", "maybe").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(acts(&app).await.is_empty());
}

#[tokio::test]
async fn while_it_may_be_on_its_way_to_the_provider_nobody_decides() {
    let (app, id) = indeterminate().await;
    turned(&app, "pause", "the provider does not answer").await;
    let mended = json!({ "lookups_fail": false });
    app.provider.control(mended).await;
    app.until_status(&id, "submitting").await;
    refused(&app, &id, "failed").await;
    let minute = "UPDATE pipeline.log_head SET clock_offset = 60000000";
    run(&app, minute).await;
    proposed(&app, &id, "alice", "failed").await;
    decided(&app, &id, "bob", "failed").await;
    assert!(app.provider.taken().await.is_empty());
    app.assert_state_is_the_fold_of_its_log().await;
}

/// The provider has forgotten it by then, and would pay it twice.
#[tokio::test]
async fn of_what_was_paid_before_a_restore_two_operators_say_so_while_payouts_are_paused() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    turned(&app, "pause", "the database was restored").await;
    let id = app.granted("partner123", "150.00").await;
    refused(&app, &id, "look_up").await;
    proposed(&app, &id, "alice", "paid").await;
    decided(&app, &id, "bob", "paid").await;
    assert_eq!(app.payout(&id).await["status"], "paid");
    assert_eq!(app.balance("partner123", "paid_out").await, "150.00");
    turned(&app, "resume", "all are compared").await;
    let later = app.granted("partner123", "3.00").await;
    app.until_status(&later, "paid").await;
    assert_eq!(app.provider.taken().await, [later]);
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn what_the_provider_has_is_its_to_say_while_it_remembers() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider
        .control(json!({ "settle_ms": 3_600_000 }))
        .await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "submitted").await;
    refused(&app, &id, "failed").await;
    let day = "UPDATE pipeline.log_head SET clock_offset = 86400000000";
    run(&app, day).await;
    proposed(&app, &id, "alice", "failed").await;
    decided(&app, &id, "bob", "failed").await;
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_audited_is_not_noted() {
    let (app, id) = indeterminate().await;
    run(&app, "ALTER TABLE pipeline.audit RENAME TO audit_away").await;
    let (status, problem) = decide(&app, &id, "alice", "paid").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{problem}");
    run(&app, "ALTER TABLE pipeline.audit_away RENAME TO audit").await;
    proposed(&app, &id, "bob", "paid").await;
}
