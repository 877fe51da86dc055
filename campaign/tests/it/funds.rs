//! Campaigns pause while their brand is out of funds.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use chassis::time::{now, to_rfc3339};
use runtime::testing::{self, TestService, until};
use schemas::{Body, FundsExhaustedV1, FundsRestoredV1, FundsStatedV1, Message, Topic};
use serde_json::{Value, json};
use types::{Currency, Micros, ids};
use uuid::Uuid;

use crate::app::{self, CAMPAIGNS};

async fn state(service: &mut TestService, body: impl Into<Body>) {
    let topic = Topic::PaymentEvents;
    let delivered = service.deliver(topic, "brand1", "brand1", body.into());
    let (_, answer) = delivered.await;
    assert_eq!(answer.name(), "done", "{answer:?}");
}

async fn until_status(service: &TestService, id: &str, status: &str, reason: Option<&str>) {
    let path = format!("{CAMPAIGNS}/{id}");
    until(&format!("{id} is {status}"), || async {
        let seen = app::get(service, &path, &testing::brand("brand1")).await;
        seen["status"] == status && seen["pause_reason"] == json!(reason)
    })
    .await;
}

#[tokio::test]
async fn campaigns_pause_while_their_brand_is_out_of_funds_and_go_on_when_it_is_not() {
    let mut service = app::start().await;
    for id in ["camp1", "camp2"] {
        app::active_campaign(&service, id).await;
    }
    let brand = testing::brand("brand1");
    let currency = Currency::USD;
    let (camp1, camp2) = (format!("{CAMPAIGNS}/camp1"), format!("{CAMPAIGNS}/camp2"));
    let (pause, resume) = (format!("{camp2}/pause"), format!("{camp1}/resume"));
    app::post(&service, &pause, &brand, &json!({}), StatusCode::OK).await;
    state(&mut service, FundsExhaustedV1 { currency }).await;
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;
    until_status(&service, "camp2", "paused", Some("brand")).await;
    let problem = app::post(&service, &resume, &brand, &json!({}), StatusCode::CONFLICT).await;
    assert_eq!(problem["code"], "out_of_funds");
    state(&mut service, FundsRestoredV1 { currency }).await;
    until_status(&service, "camp1", "active", None).await;
    until_status(&service, "camp2", "paused", Some("brand")).await;
    let tables = ["campaigns", "brand_funds"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
}

#[tokio::test]
async fn campaigns_stand_as_payment_states_of_its_funds_after_its_database_has_gone_back() {
    let mut service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let currency = Currency::USD;
    let stated = |exhausted| FundsStatedV1 {
        currency,
        exhausted,
    };
    state(&mut service, stated(true)).await;
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;
    state(&mut service, stated(false)).await;
    until_status(&service, "camp1", "active", None).await;
}

/// What payment decided because of this cause, under an epoch and at a place of its stream.
fn decided(cause: Uuid, epoch: i64, sequence: i64, body: impl Into<Body>) -> Message {
    let topic = Topic::PaymentEvents;
    let mut fact = testing::message(topic, "brand1", "brand1", body.into(), Some(sequence));
    fact.header.id = ids::event_id("payment", epoch, cause, 1);
    (fact.header.causation_id, fact.header.epoch) = (Some(cause), Some(epoch));
    fact
}

async fn accept_epoch_2(service: &TestService) {
    let accept = json!({"source": "payment", "epoch": 2, "reason": "a test"});
    app::post(
        service,
        "/api/v1/operator/campaign/epoch/accept",
        &testing::operator(),
        &accept,
        StatusCode::OK,
    )
    .await;
}

#[tokio::test]
async fn funds_that_turned_and_turn_again_once_payments_database_has_gone_back_are_adopted_again() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let currency = Currency::USD;
    let cause = Uuid::now_v7();
    let exhausted = || FundsExhaustedV1 { currency };
    let lost = decided(cause, 1, 1, exhausted());
    service.deliver_all(Topic::PaymentEvents, vec![lost]).await;
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;
    accept_epoch_2(&service).await;
    let stated = FundsStatedV1 {
        currency,
        exhausted: false,
    };
    let stated = decided(Uuid::now_v7(), 2, 1, stated);
    service
        .deliver_all(Topic::PaymentEvents, vec![stated])
        .await;
    until_status(&service, "camp1", "active", None).await;
    let again = decided(cause, 2, 2, exhausted());
    let answers = service.deliver_all(Topic::PaymentEvents, vec![again]).await;
    assert_eq!(answers[0].name(), "done", "{answers:?}");
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;
}

#[tokio::test]
async fn funds_that_a_raise_states_anew_under_the_same_id_are_adopted_once() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let currency = Currency::USD;
    let first = decided(Uuid::now_v7(), 1, 1, FundsExhaustedV1 { currency });
    let mut anew = first.clone();
    (anew.header.epoch, anew.header.sequence) = (Some(2), Some(1));
    service.deliver_all(Topic::PaymentEvents, vec![first]).await;
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;
    accept_epoch_2(&service).await;
    let answers = service.deliver_all(Topic::PaymentEvents, vec![anew]).await;
    assert_eq!(answers[0].name(), "repeated", "{answers:?}");
    let kinds = app::log_kinds(&service).await;
    let adopted = kinds
        .iter()
        .filter(|kind| *kind == "brand_funds.adopted.v1");
    assert_eq!(adopted.count(), 1);
}

#[tokio::test]
async fn a_campaign_that_is_activated_while_its_brand_is_out_of_funds_pauses_too() {
    let mut service = app::start().await;
    let currency = Currency::USD;
    state(&mut service, FundsExhaustedV1 { currency }).await;
    app::active_campaign(&service, "camp1").await;
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;
}

/// Moves the end of a campaign to so many seconds from now.
async fn end_in(service: &TestService, id: &str, seconds: i64) {
    let end = to_rfc3339(Micros(now().get() + seconds * 1_000_000));
    let path = format!("{CAMPAIGNS}/{id}");
    let body = json!({ "ends_at": end });
    let (status, answer) = service.patch(&path, &testing::brand("brand1"), &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// Has its brand pause a campaign, or have it go on.
async fn by_its_brand(service: &TestService, path: &str, expected: StatusCode) -> Value {
    let path = format!("{CAMPAIGNS}/{path}");
    let brand = testing::brand("brand1");
    app::post(service, &path, &brand, &json!({}), expected).await
}

#[tokio::test]
async fn the_end_of_a_campaign_that_is_out_of_funds_pauses_it_and_no_funds_have_it_go_on() {
    let mut service = app::start().await;
    for id in ["camp1", "camp2", "camp3"] {
        app::active_campaign(&service, id).await;
    }
    for id in ["camp1", "camp3"] {
        end_in(&service, id, 3_600).await;
    }
    by_its_brand(&service, "camp3/pause", StatusCode::OK).await;
    let currency = Currency::USD;
    state(&mut service, FundsExhaustedV1 { currency }).await;
    for id in ["camp1", "camp2"] {
        until_status(&service, id, "paused", Some("out_of_funds")).await;
    }
    service.advance_clock(3_600).await;
    until_status(&service, "camp1", "paused", Some("ended")).await;
    until_status(&service, "camp2", "paused", Some("out_of_funds")).await;
    until_status(&service, "camp3", "paused", Some("brand")).await;
    let refused = by_its_brand(&service, "camp1/resume", StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "campaign_ended");

    // Moved, it stands as another whose end had come: it goes on when its brand wants it to, and has funds.
    end_in(&service, "camp1", 2 * 3_600).await;
    let refused = by_its_brand(&service, "camp1/resume", StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "out_of_funds");
    state(&mut service, FundsRestoredV1 { currency }).await;
    until_status(&service, "camp2", "active", None).await;
    until_status(&service, "camp1", "paused", Some("ended")).await;
    by_its_brand(&service, "camp1/resume", StatusCode::OK).await;
    until_status(&service, "camp1", "active", None).await;
    service
        .assert_state_is_the_fold_of_its_log(
            &CampaignDomain,
            &MIGRATIONS,
            &["campaigns", "brand_funds"],
        )
        .await;
    service.stop().await;
}

async fn until_so_many_wait_for_the_writer_lock(service: &TestService, count: i64) {
    until(&format!("{count} wait for the writer lock"), || async {
        service.waiting_writers().await == count
    })
    .await;
}

#[tokio::test]
async fn a_campaign_that_was_to_go_on_with_its_brands_funds_when_its_end_came_has_ended() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    end_in(&service, "camp1", 3_600).await;
    let (currency, topic) = (Currency::USD, Topic::PaymentEvents);
    let exhausted = decided(Uuid::now_v7(), 1, 1, FundsExhaustedV1 { currency });
    service.deliver_all(topic, vec![exhausted]).await;
    until_status(&service, "camp1", "paused", Some("out_of_funds")).await;

    // What goes on waits behind us from when there are funds until the end has come.
    let before = service.hold_writer_lock().await;
    let passed = async {
        until_so_many_wait_for_the_writer_lock(&service, 1).await;
        let release = async {
            until_so_many_wait_for_the_writer_lock(&service, 2).await;
            drop(before);
        };
        let (behind, ()) = tokio::join!(service.hold_writer_lock(), release);
        until_so_many_wait_for_the_writer_lock(&service, 1).await;
        service.advance_clock(3_600).await;
        drop(behind);
    };
    let restored = decided(Uuid::now_v7(), 1, 2, FundsRestoredV1 { currency });
    tokio::join!(service.deliver_all(topic, vec![restored]), passed);
    until("it comes too late", || async {
        let kinds = app::log_kinds(&service).await;
        kinds.contains(&"command.rejected.v1".to_owned())
    })
    .await;
    until_status(&service, "camp1", "paused", Some("ended")).await;
    let kinds = app::log_kinds(&service).await;
    assert!(!kinds.contains(&"campaign.resumed.v1".to_owned()));
    service.stop().await;
}
