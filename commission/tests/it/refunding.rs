use messaging::Answer;
use runtime::testing::until;
use schemas::Body;
use serde_json::json;
use types::EarningStatus;

use crate::app::{
    attribute, kinds, publish, refund, refund_of, retry_queue, sale, see, start, ten_percent,
};

#[tokio::test]
async fn three_refunds_of_a_third_reverse_everything() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    for (part, total) in [(3_333, 3_333), (3_333, 6_666), (3_334, 10_000)] {
        refund_of(&mut service, "conv1", refund(part, total, 10_000)).await;
    }
    let reversed = |message: schemas::Message| match message.body {
        Body::CommissionReversedV1(body) => {
            Some((body.amount.minor, body.reversed_total.minor, body.from))
        }
        _ => None,
    };
    let reversed: Vec<_> = service
        .log()
        .await
        .into_iter()
        .filter_map(reversed)
        .collect();
    let payable = EarningStatus::Payable;
    assert_eq!(
        reversed,
        [
            (333, 333, payable),
            (334, 667, payable),
            (333, 1_000, payable)
        ]
    );
    let seen = see(&service, "conv1").await;
    assert_eq!(
        (&seen["status"], &seen["reversed"]),
        (&json!("reversed"), &json!("10.00"))
    );
    assert_eq!(seen["reversals"][1]["reversed_total"], "6.67");
}

#[tokio::test]
async fn of_very_many_reversals_the_newest_are_shown_and_the_last_says_what_all_come_to() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    attribute(&mut service, "conv1", sale(100_000)).await;
    refund_of(&mut service, "conv1", refund(50_000, 50_000, 100_000)).await;
    // As if as many had come before it as are shown.
    sqlx::query(
        "INSERT INTO reversals
         SELECT before.* FROM reversals r, generate_series(1, 1000) n,
                LATERAL jsonb_populate_record(r, jsonb_build_object('position', r.position - n, 'reversed_total_minor', 0)) before",
    )
    .execute(service.pool())
    .await
    .unwrap();
    let seen = see(&service, "conv1").await;
    let shown = seen["reversals"].as_array().unwrap();
    assert_eq!(shown.len(), 1_000);
    assert_eq!(shown[0]["reversed_total"], "0.00");
    assert_eq!(shown[999]["reversed_total"], seen["reversed"]);
}

#[tokio::test]
async fn a_refund_behind_a_sale_that_waits_comes_after_it() {
    let mut service = start().await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    let answer = refund_of(&mut service, "conv1", refund(10_000, 10_000, 10_000)).await;
    assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");
    publish(&mut service, 1, ten_percent()).await;
    until("both are handled", || async {
        retry_queue(&service).await.is_empty()
    })
    .await;
    assert_eq!(
        kinds(&service).await,
        [
            "plan.adopted.v1",
            "commission.calculated.v1",
            "commission.reversed.v1"
        ]
    );
}

#[tokio::test]
async fn a_refund_of_a_conversion_that_never_earned_becomes_a_dead_letter() {
    let mut service = start().await;
    let answer = refund_of(&mut service, "conv1", refund(1, 1, 1)).await;
    assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");
    let (state, reason) = retry_queue(&service).await.remove(0);
    assert_eq!(
        (state.as_str(), reason.as_str()),
        ("dead", "there is no commission of the refunded conversion")
    );
}
