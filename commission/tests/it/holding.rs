use messaging::clock::now;
use runtime::testing::{TestService, message, until};
use schemas::{Body, Topic};
use serde_json::json;
use types::{EarningStatus, Micros, ids};

use crate::app::{
    attribute, calculated, held_for, kinds, publish, refund, refund_of, sale, see, start, usd,
    wait_for,
};

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_held_commission_is_approved_when_its_time_comes() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    let held = calculated(&service).await;
    assert_eq!((held.status.as_str(), held.amount), ("held", usd(1_000)));
    assert_eq!(see(&service, "conv1").await["status"], "held");

    service.advance_clock(29 * DAY).await;
    attribute(&mut service, "conv2", sale(10_000)).await;
    assert_eq!(
        see(&service, "conv1").await["status"],
        "held",
        "not a day early"
    );

    service.advance_clock(DAY).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    let Body::CommissionApprovedV1(body) = &approved.body else {
        panic!("{approved:?}")
    };
    assert_eq!(body.amount, usd(1_000));
    let calculated = wait_for(&service, "commission.calculated.v1").await;
    assert_eq!(approved.header.subject, "conv1");
    assert_eq!(
        approved.header.correlation_id, calculated.header.correlation_id,
        "it is still the purchase's request"
    );
    assert_eq!(see(&service, "conv1").await["status"], "approved");
    assert_eq!(see(&service, "conv2").await["status"], "held");
}

/// Handles, as the first or a later of its stream, an attribution of so many seconds before the test began: it waited at the broker.
async fn attributed_before(service: &TestService, conversion: &str, sequence: i64, seconds: i64) {
    let body = sale(10_000).into();
    let topic = Topic::TrackingEvents;
    let mut attributed = message(topic, conversion, conversion, body, Some(sequence));
    attributed.header.time.0 -= seconds * 1_000_000;
    service.deliver_all(topic, vec![attributed]).await;
}

#[tokio::test]
async fn a_hold_counts_from_the_attribution_whenever_it_is_handled() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    service.advance_clock(2 * DAY).await;
    attributed_before(&service, "conv1", 1, 0).await;
    let attributed = now();
    let until = calculated(&service).await.hold_until.unwrap();
    let days = until.0 - attributed.0;
    assert!(
        days <= 30 * DAY * 1_000_000,
        "{} s too late",
        days / 1_000_000 - 30 * DAY
    );
}

#[tokio::test]
async fn a_hold_that_is_over_when_it_begins_lasts_for_what_takes_it_back_behind_it() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    attribute(&mut service, "conv2", sale(10_000)).await;
    service.advance_clock(30 * DAY - 60).await;
    attributed_before(&service, "conv1", 2, DAY).await;
    service.advance_clock(120).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    assert_eq!(approved.header.subject, "conv2");
    assert_eq!(see(&service, "conv1").await["status"], "held");
    service.advance_clock(3_600).await;
    until("it is approved in the end", || async {
        see(&service, "conv1").await["status"] == "approved"
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn a_hold_that_is_over_when_the_epoch_is_raised_lasts_for_the_refund_that_is_sent_again() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    service.advance_clock(30 * DAY - 60).await;
    attribute(&mut service, "conv2", sale(10_000)).await;
    let raised_at: i64 = sqlx::query_scalar(
        "UPDATE pipeline.epoch SET raised_at = (SELECT calculated_at FROM commissions WHERE id = 'conv2') RETURNING raised_at",
    )
    .fetch_one(service.pool())
    .await
    .unwrap();
    service.advance_clock(1_800).await;
    attribute(&mut service, "conv3", sale(10_000)).await;
    assert_eq!(see(&service, "conv1").await["status"], "held");
    service.advance_clock(1_860).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    assert_eq!(approved.header.subject, "conv1");
    let held_for = approved.header.time.get() - raised_at;
    assert!(held_for >= 3_600 * 1_000_000, "{held_for}");
    service.stop().await;
}

#[tokio::test]
async fn a_refund_before_the_approval_takes_from_what_is_pending() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    refund_of(&mut service, "conv1", refund(2_500, 2_500, 10_000)).await;
    let reversed = wait_for(&service, "commission.reversed.v1").await;
    let Body::CommissionReversedV1(body) = reversed.body else {
        panic!("{reversed:?}")
    };
    assert_eq!((body.amount, body.from), (usd(250), EarningStatus::Pending));

    service.advance_clock(30 * DAY).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    let Body::CommissionApprovedV1(body) = approved.body else {
        panic!("{approved:?}")
    };
    assert_eq!(body.amount, usd(750), "what was refunded is not approved");

    refund_of(&mut service, "conv1", refund(7_500, 10_000, 10_000)).await;
    let seen = see(&service, "conv1").await;
    assert_eq!(
        (&seen["status"], &seen["net"]),
        (&json!("reversed"), &json!("0.00"))
    );
    let from: Vec<_> = seen["reversals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["from"])
        .collect();
    assert_eq!(from, ["pending", "payable"]);
}

#[tokio::test]
async fn a_hold_that_was_refunded_in_full_never_ends_in_an_approval() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(1)).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    refund_of(&mut service, "conv1", refund(10_000, 10_000, 10_000)).await;
    attribute(&mut service, "conv2", sale(10_000)).await;
    service.advance_clock(2 * DAY).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    assert_eq!(approved.header.subject, "conv2");
    assert!(
        !kinds(&service)
            .await
            .contains(&"command.rejected.v1".to_owned())
    );
}

/// The subjects of all approvals.
async fn approved(service: &TestService) -> Vec<String> {
    let mut log = service.log().await;
    log.retain(|message| message.header.kind == "commission.approved.v1");
    let subjects = log.into_iter().map(|message| message.header.subject);
    subjects.collect()
}

#[tokio::test]
async fn many_holds_that_end_at_once_are_all_approved_once() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(1)).await;
    for number in 0..20 {
        attribute(&mut service, &format!("conv{number}"), sale(10_000)).await;
    }
    service.advance_clock(DAY).await;
    until("all are approved", async || {
        approved(&service).await.len() == 20
    })
    .await;
    // Whatever is due is approved with the next.
    attribute(&mut service, "conv20", sale(10_000)).await;
    service.advance_clock(DAY).await;
    until("the next is approved", async || {
        approved(&service).await.contains(&"conv20".to_owned())
    })
    .await;
    assert_eq!(approved(&service).await.len(), 21);
}

#[tokio::test]
async fn a_hold_whose_release_came_too_early_since_the_clock_was_set_back_ends_at_its_time() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(1)).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    let due_at = calculated(&service).await.hold_until.unwrap();
    let lock = service.hold_writer_lock().await;
    service.advance_clock(DAY).await;
    until("its release waits for the writer lock", || async {
        service.waiting_writers().await > 0
    })
    .await;
    service.advance_clock(-120).await;
    drop(lock);
    until("its release came too early", || async {
        let known = "SELECT EXISTS (SELECT FROM pipeline.inbox WHERE id = $1)";
        let known =
            sqlx::query_scalar(known).bind(ids::timer_command_id("conv1", "release_hold", due_at));
        known.fetch_one(service.pool()).await.unwrap()
    })
    .await;
    assert_eq!(see(&service, "conv1").await["status"], "held");
    service.advance_clock(120).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    assert!(approved.header.time >= due_at);
    service.stop().await;
}

#[tokio::test]
async fn holds_whose_release_was_ended_by_operators_keep_back_no_later_ones() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    // As many as are released at once, all due before it, whose commands operators have dropped.
    let stuck: i64 = 500;
    sqlx::query(
        "INSERT INTO commissions
         SELECT held.* FROM commissions c, generate_series(1, $1) n,
                LATERAL jsonb_populate_record(c, jsonb_build_object('id', 'stuck' || n, 'hold_until', c.hold_until - n)) held",
    )
    .bind(stuck)
    .execute(service.pool())
    .await
    .unwrap();
    let holds: Vec<(String, i64)> =
        sqlx::query_as("SELECT id, hold_until FROM commissions WHERE id LIKE 'stuck%'")
            .fetch_all(service.pool())
            .await
            .unwrap();
    let dropped = holds
        .iter()
        .map(|(id, due_at)| ids::timer_command_id(id, "release_hold", Micros(*due_at)));
    sqlx::query(
        "INSERT INTO pipeline.inbox (id, type, source, subject, received_at, state, code)
         SELECT id, 'commission.release_hold.command.v1', 'commission', '', 0, 'dropped', 'dropped_by_operator'
           FROM UNNEST($1::uuid[]) id",
    )
    .bind(dropped.collect::<Vec<_>>())
    .execute(service.pool())
    .await
    .unwrap();
    service.advance_clock(30 * DAY).await;
    let approved = wait_for(&service, "commission.approved.v1").await;
    assert_eq!(approved.header.subject, "conv1");
    service.stop().await;
}
