use host::testing::until;
use schemas::Body;
use serde_json::json;

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
    assert_eq!((body.amount, body.from.as_str()), (usd(250), "pending"));

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

#[tokio::test]
async fn many_holds_that_end_at_once_are_all_approved_once() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(1)).await;
    for number in 0..20 {
        attribute(&mut service, &format!("conv{number}"), sale(10_000)).await;
    }
    service.advance_clock(DAY).await;
    let approvals = async || {
        let kinds = kinds(&service).await;
        kinds
            .iter()
            .filter(|kind| *kind == "commission.approved.v1")
            .count()
    };
    until("all are approved", || async { approvals().await == 20 }).await;
    service.advance_clock(DAY).await;
    assert_eq!(approvals().await, 20);
}
