use runtime::testing::until;
use serde_json::json;

use crate::app::{App, run};

/// How often it was taken by the worker since its last event.
async fn tries(app: &App, payout: &str) -> i32 {
    sqlx::query_scalar("SELECT tries FROM aside.calls WHERE payout = $1")
        .bind(payout)
        .fetch_one(app.service.pool())
        .await
        .unwrap()
}

async fn paid_once_after(fault: serde_json::Value) {
    let mut app = App::patient(500).await;
    app.earn("partner123", 20_000).await;
    app.provider.control(fault).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "paid").await;
    assert_eq!(app.provider.taken().await, [id]);
    assert_eq!(app.balance("partner123", "paid_out").await, "150.00");
    assert_eq!(app.balance("partner123", "in_transit").await, "0.00");
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_provider_that_fails_before_accepting_pays_in_the_end_once() {
    paid_once_after(json!({ "fault": "fail_before", "fault_times": 2 })).await;
}

#[tokio::test]
async fn a_provider_that_times_out_before_accepting_pays_in_the_end_once() {
    paid_once_after(json!({ "fault": "time_out_before", "fault_times": 1 })).await;
}

#[tokio::test]
async fn another_submission_comes_a_pause_after_the_end_of_the_one_before_however_long_that_took() {
    const PAUSE: i64 = 500_000;
    let mut app = App::patient(1_500).await;
    app.earn("partner123", 20_000).await;
    let once = json!({ "fault": "time_out_before", "fault_times": 1 });
    app.provider.control(once).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "paid").await;
    let times: Vec<i64> = sqlx::query_scalar(
        "SELECT time FROM pipeline.message_log WHERE type IN ('payout.unknown.v1', 'payout.submitting.v1') ORDER BY position",
    )
    .fetch_all(app.service.pool())
    .await
    .unwrap();
    let [_, unknown, again, ..] = times[..] else {
        panic!("{times:?}")
    };
    assert!(again - unknown >= PAUSE, "{times:?}");
}

#[tokio::test]
async fn a_provider_that_times_out_after_paying_has_paid_once() {
    paid_once_after(json!({ "fault": "time_out_after" })).await;
}

#[tokio::test]
async fn a_provider_that_breaks_after_paying_has_paid_once() {
    paid_once_after(json!({ "fault": "error_after" })).await;
}

#[tokio::test]
async fn a_provider_that_pays_and_then_rejects_the_reference_has_paid_once() {
    paid_once_after(json!({ "fault": "reject_after" })).await;
}

#[tokio::test]
async fn a_rejected_payout_comes_back() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider
        .control(json!({ "fault": "reject_before" }))
        .await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "failed").await;
    assert!(app.provider.taken().await.is_empty());
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_refused_payout_comes_back_with_its_reason() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider
        .control(json!({ "fault": "refuse", "reason": "closed" }))
        .await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "failed").await;
    assert_eq!(app.payout(&id).await["reason"], "closed");
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
    app.assert_state_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_payout_that_fails_after_it_was_accepted_comes_back() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let later = json!({ "fault": "fail_later", "settle_ms": 3_000 });
    app.provider.control(later).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_logged("payout.submitted.v1").await;
    app.until_status(&id, "failed").await;
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
}

#[tokio::test]
async fn while_look_ups_fail_nothing_is_submitted() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "unknown").await;
    assert!(app.provider.taken().await.is_empty());
    app.provider.control(json!({ "lookups_fail": false })).await;
    app.until_status(&id, "paid").await;
    assert_eq!(app.provider.taken().await, [id]);
}

#[tokio::test]
async fn a_payout_that_the_provider_may_have_forgotten_waits_for_an_operator() {
    let mut app = App::patient(10_000).await;
    app.earn("partner123", 20_000).await;
    // It pays, nobody hears of it, and it has forgotten the reference by the time that it is asked.
    app.provider
        .control(json!({ "fault": "time_out_after" }))
        .await;
    let id = app.granted("partner123", "150.00").await;
    until("it has paid", || async {
        app.provider.taken().await.len() == 1
    })
    .await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    app.until_status(&id, "unknown").await;
    app.service.advance_clock(24 * 3_600).await;
    let forgotten = json!({ "fault": null, "lookups_fail": false, "key_lifetime_ms": 0 });
    app.provider.control(forgotten).await;
    let before = tries(&app, &id).await;
    until("it is looked up again", || async {
        tries(&app, &id).await > before
    })
    .await;
    assert_eq!(app.payout(&id).await["status"], "unknown");
    assert_eq!(app.balance("partner123", "in_transit").await, "150.00");
    assert_eq!(app.provider.taken().await, [id]);
}

#[tokio::test]
async fn a_payout_that_was_submitted_while_the_log_was_ahead_is_not_submitted_again_once_it_is_forgotten()
 {
    let mut app = App::patient(10_000).await;
    app.service.advance_clock(20 * 3_600).await;
    app.earn("partner123", 20_000).await;
    app.service.advance_clock(-20 * 3_600).await;
    // It pays, nobody hears of it, and it has forgotten the reference by the time that it is asked.
    app.provider
        .control(json!({ "fault": "time_out_after" }))
        .await;
    let id = app.granted("partner123", "150.00").await;
    app.provider.until_taken(1).await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    app.until_status(&id, "unknown").await;
    // Four hours later than the log says that it was submitted.
    app.service.advance_clock(24 * 3_600).await;
    let forgotten = json!({ "fault": null, "lookups_fail": false, "key_lifetime_ms": 0 });
    app.provider.control(forgotten).await;
    let before = tries(&app, &id).await;
    until("it has been looked up", || async {
        tries(&app, &id).await > before + 1
    })
    .await;
    assert_eq!(app.payout(&id).await["status"], "unknown");
    assert_eq!(app.provider.taken().await, [id]);
}

#[tokio::test]
async fn what_the_provider_says_of_another_amount_moves_no_money() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "lookups_fail": true })).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "unknown").await;
    app.provider.take(&id, "1.00").await;
    app.provider.control(json!({ "lookups_fail": false })).await;
    let before = tries(&app, &id).await;
    until("it has been looked up", || async {
        tries(&app, &id).await > before + 1
    })
    .await;
    assert_eq!(app.payout(&id).await["status"], "unknown");
    assert_eq!(app.balance("partner123", "in_transit").await, "150.00");
}

#[tokio::test]
async fn a_payout_is_looked_up_also_while_the_clock_is_behind_the_log() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "settle_ms": 3_000 })).await;
    app.service.advance_clock(3_600).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_logged("payout.submitted.v1").await;
    app.service.advance_clock(-3_600).await;
    app.until_status(&id, "paid").await;
}

#[tokio::test]
async fn a_payout_whose_refusal_waits_in_the_retry_queue_is_not_submitted_again() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    run(
        &app,
        "ALTER TABLE payouts ADD CONSTRAINT broken CHECK (status <> 'failed') NOT VALID",
    )
    .await;
    let once = json!({ "fault": "reject_before", "fault_times": 1 });
    app.provider.control(once).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "submitting").await;
    until("it was taken again", || async {
        tries(&app, &id).await >= 4
    })
    .await;
    run(&app, "ALTER TABLE payouts DROP CONSTRAINT broken").await;
    app.until_status(&id, "failed").await;
    assert!(app.provider.taken().await.is_empty());
    assert_eq!(app.balance("partner123", "payable").await, "200.00");
}
