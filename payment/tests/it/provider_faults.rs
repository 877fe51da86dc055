use runtime::testing::until;
use serde_json::json;

use crate::app::App;

async fn paid_once_after(fault: serde_json::Value) {
    let mut app = App::start().await;
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
    let later = json!({ "fault": "fail_later", "settle_ms": 700 });
    app.provider.control(later).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "submitted").await;
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
    let mut app = App::start().await;
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
    let calls = || async {
        sqlx::query_scalar::<_, i32>("SELECT tries FROM aside.calls WHERE payout = $1")
            .bind(&id)
            .fetch_one(app.service.pool())
            .await
            .unwrap()
    };
    let before = calls().await;
    until("it is looked up again", || async { calls().await > before }).await;
    assert_eq!(app.payout(&id).await["status"], "unknown");
    assert_eq!(app.balance("partner123", "in_transit").await, "150.00");
    assert_eq!(app.provider.taken().await, [id]);
}
