//! One order is one conversion.

use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{TestService, brand, message, until};
use schemas::{Body, Message, RecordEventV1, Topic};
use serde_json::{Value, json};
use tracking::{MIGRATIONS, Tracking};
use types::{CampaignId, ConversionId, OrderId, Uuid};

use crate::app::*;

/// A report as it comes by a topic.
fn reported(event_type: &str, campaign: Option<&str>, order: &str, amount: &str) -> Message {
    let campaign_id = campaign.map(|id| CampaignId::parse(id).unwrap());
    let id = ConversionId::of_order(campaign_id.as_ref(), &OrderId::parse(order).unwrap());
    let body = Body::RecordEventV1(RecordEventV1 {
        event_type: event_type.to_owned(),
        user_id: "user1".to_owned(),
        occurred_at: None,
        amount: Some(amount.to_owned()),
        currency: None,
        order_id: Some(order.to_owned()),
        campaign_id: campaign.map(str::to_owned),
        click_id: None,
        product_id: None,
        metadata: None,
        visitor: None,
        conversion_id: None,
    });
    message(
        Topic::TrackingCommands,
        id.as_str(),
        id.as_str(),
        body,
        None,
    )
}

async fn conversions(service: &TestService) -> Vec<String> {
    let mut kinds = kinds(service).await;
    kinds.retain(|kind| kind.starts_with("conversion.") || kind.starts_with("command."));
    kinds
}

#[tokio::test]
async fn a_second_report_of_an_order_is_answered_and_ignored() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let bought = order("user1", "order1", "10");
    let first = report_as(&service, "attributed", &bought).await;
    let (status, second) = report(&service, &bought).await;
    assert_eq!(status, 200);
    assert_eq!(second["outcome"], "duplicate_ignored");
    let named = with(bought, "campaign_id", CAMPAIGN);
    let third = report_as(&service, "duplicate_ignored", &named).await;
    assert_eq!(third["conversion_id"], first["conversion_id"]);
    // The other id shows the same conversion.
    let other = ConversionId::of_order(
        Some(&CampaignId::parse(CAMPAIGN).unwrap()),
        &OrderId::parse("order1").unwrap(),
    );
    let seen = see(&service, &json!({"conversion_id": other.as_str()})).await;
    assert_eq!(seen["id"], first["conversion_id"]);
    service.stop().await;
}

#[tokio::test]
async fn twins_in_one_batch_have_one_effect() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let purchase = reported("purchase", None, "order1", "10");
    let mut second_message = reported("purchase", None, "order1", "10");
    second_message.header.source = "another".to_owned();
    let named = reported("purchase", Some(CAMPAIGN), "order1", "10");
    let batch = vec![
        purchase.clone(),
        purchase.clone(),
        second_message,
        named.clone(),
        purchase,
        named,
    ];
    let answers = service.deliver_all(Topic::TrackingCommands, batch).await;
    let shown: Vec<_> = answers.iter().map(Answer::name).collect();
    assert_eq!(
        shown,
        ["done", "repeated", "done", "done", "repeated", "repeated"]
    );
    assert_eq!(
        conversions(&service).await,
        [
            "conversion.attributed.v1",
            "conversion.duplicate_ignored.v1",
            "conversion.duplicate_ignored.v1"
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn a_refund_before_its_purchase_resolves_in_one_batch_and_across_batches() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let batch = vec![
        reported("refund", Some(CAMPAIGN), "order1", "4"),
        reported("purchase", None, "order1", "10"),
        reported("refund", None, "order1", "6"),
        reported("refund", None, "order1", "0.01"),
    ];
    service.deliver_all(Topic::TrackingCommands, batch).await;
    for report in [
        reported("refund", None, "order2", "4"),
        reported("purchase", Some(CAMPAIGN), "order2", "10"),
        reported("refund", Some(CAMPAIGN), "order2", "6"),
        reported("refund", Some(CAMPAIGN), "order2", "0.01"),
    ] {
        service
            .deliver_all(Topic::TrackingCommands, vec![report])
            .await;
    }
    let each = [
        "conversion.refund_noted.v1",
        "conversion.attributed.v1",
        "conversion.refunded.v1",
        "conversion.refunded.v1",
        "command.rejected.v1",
    ];
    assert_eq!(conversions(&service).await, [each, each].concat());
    let refunded: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT amount_minor, refunded_minor FROM conversions WHERE standing = 'attributed' ORDER BY position",
    )
    .fetch_all(service.pool())
    .await
    .unwrap();
    assert_eq!(refunded, [(1000, 1000), (1000, 1000)]);
    service.stop().await;
}

#[tokio::test]
async fn refunds_by_http_add_up_and_one_too_many_is_refused() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    report_as(&service, "attributed", &order("user1", "order1", "100")).await;
    let answer = report_as(&service, "refunded", &refund("user1", "order1", "33.34")).await;
    assert_eq!(
        answer["amount"],
        json!({"amount": "33.34", "currency": "USD"})
    );
    let all = json!({"user_id": "user1", "event_type": "refund", "order_id": "order1"});
    let answer = report_as(&service, "refunded", &all).await;
    assert_eq!(answer["amount"]["amount"], "66.66");
    assert_eq!(see(&service, &answer).await["refunded"], "100.00");
    refused(
        &service,
        422,
        "refund_exceeds_purchase",
        &refund("user1", "order1", "0.01"),
    )
    .await;
    service.stop().await;
}

#[tokio::test]
async fn what_was_reported_without_an_order_is_taken_back_by_its_conversion() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let lead = json!({"user_id": "user1", "event_type": "lead"});
    let back = |answer: &Value| json!({"user_id": "user1", "event_type": "refund", "conversion_id": answer["conversion_id"]});
    let own = brand(BRAND);
    for bought in [purchase("user1", "1000000.00"), lead] {
        let (_, sold) = service.post(EVENTS, &own, &bought).await;
        assert_eq!(sold["outcome"], "attributed", "{sold}");
        let (status, hidden) = service.post(EVENTS, &brand("brand9"), &back(&sold)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{hidden}");
        assert_eq!(hidden["code"], "conversion_unknown");
        assert_eq!(hidden["errors"][0]["pointer"], "/conversion_id");
        let of_another = with(back(&sold), "order_id", "order1");
        let (_, apart) = service.post(EVENTS, &own, &of_another).await;
        assert_eq!(apart["code"], "conversion_unknown", "{apart}");
        assert_eq!(apart["errors"][0]["pointer"], "/order_id");
        let (status, refunded) = service.post(EVENTS, &own, &back(&sold)).await;
        assert_eq!(status, StatusCode::CREATED, "{refunded}");
        assert_eq!(refunded["outcome"], "refunded", "{refunded}");
        assert_eq!(refunded["conversion_id"], sold["conversion_id"]);
        let seen = see(&service, &sold).await;
        assert_eq!(seen["refunded"], seen["amount"], "{seen}");
        refused(&service, 422, "refund_exceeds_purchase", &back(&sold)).await;
    }
    let nothing = json!({"conversion_id": Uuid::nil()});
    refused(&service, 404, "conversion_unknown", &back(&nothing)).await;
    // What has an order has both.
    let sold = report_as(&service, "attributed", &order("user1", "order1", "10")).await;
    let both = with(back(&sold), "order_id", "order1");
    report_as(&service, "refunded", &both).await;
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["conversions"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn one_refused_among_a_thousand_leaves_the_others_alone() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let batch = (0..1000)
        .map(|n| match n {
            500 => reported("purchase", Some(CAMPAIGN), "odd", "0.001"),
            n => reported("purchase", Some(CAMPAIGN), &format!("order{n}"), "1.50"),
        })
        .collect();
    let answers = service.deliver_all(Topic::TrackingCommands, batch).await;
    let done = answers
        .iter()
        .filter(|answer| answer.name() == "done")
        .count();
    assert_eq!((done, answers[500].name()), (999, "rejected"));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM conversions WHERE amount_minor = 150")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(rows, 999);
    service.stop().await;
}

#[tokio::test]
async fn an_external_producers_nonsense_is_refused_and_not_stored() {
    let service = start_with_link().await;
    let with_body = |change: fn(&mut RecordEventV1)| {
        let mut report = reported("purchase", None, "order1", "10");
        if let Body::RecordEventV1(body) = &mut report.body {
            change(body);
        }
        report
    };
    let batch = vec![
        with_body(|body| body.amount = Some("1e3".to_owned())),
        with_body(|body| body.amount = Some("-1".to_owned())),
        with_body(|body| body.amount = Some("0.00001".to_owned())),
        with_body(|body| body.currency = Some("XXX".to_owned())),
        with_body(|body| body.user_id = "a\u{0}b".to_owned()),
        with_body(|body| body.user_id = "u".repeat(100_000)),
        with_body(|body| body.event_type = "a b".to_owned()),
        with_body(|body| body.click_id = Some("\u{0}".to_owned())),
        with_body(|body| body.occurred_at = Some(types::Micros(i64::MAX))),
        // No list could write it.
        with_body(|body| body.occurred_at = Some(types::Micros(i64::MIN))),
        with_body(|body| body.metadata = Some("{\u{0}}".to_owned())),
        with_body(|body| body.metadata = Some(format!("{{\"a\": \"{}\"}}", "x".repeat(5_000)))),
        with_body(|body| body.product_id = Some("a\u{0}".to_owned())),
        with_body(|body| body.product_id = Some("p".repeat(65))),
        with_body(|body| body.conversion_id = Some("order1".to_owned())),
        // For a refund alone.
        with_body(|body| body.conversion_id = Some(Uuid::nil().to_string())),
    ];
    let answers = service.deliver_all(Topic::TrackingCommands, batch).await;
    assert!(
        answers.iter().all(|answer| answer.name() == "rejected"),
        "{answers:?}"
    );
    let year_one = |body: &mut RecordEventV1| {
        body.occurred_at = Some(types::Micros(-62_135_596_800_000_000));
    };
    let long_ago = with_body(year_one);
    let answers = service
        .deliver_all(Topic::TrackingCommands, vec![long_ago])
        .await;
    assert_eq!(answers[0].name(), "done");
    until("nothing parked", || async {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pipeline.parked")
            .fetch_one(service.pool())
            .await
            .unwrap()
            == 0
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn a_lead_and_an_order_that_cost_nothing_are_taken_back_whole_and_once() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let whole =
        |order: &str| json!({"user_id": "user1", "event_type": "refund", "order_id": order});
    let lead = |order: &str| json!({"user_id": "user1", "event_type": "lead", "order_id": order});
    report_as(&service, "refund_noted", &whole("lead1")).await;
    report_as(&service, "attributed", &lead("lead1")).await;
    report_as(&service, "attributed", &lead("lead2")).await;
    report_as(&service, "refunded", &whole("lead2")).await;
    report_as(&service, "attributed", &order("user1", "free", "0")).await;
    report_as(&service, "refunded", &whole("free")).await;
    for taken in ["lead1", "lead2", "free"] {
        let again = whole(taken);
        refused(&service, 422, "refund_exceeds_purchase", &again).await;
    }
    let kinds = kinds(&service).await;
    let refunded = kinds.iter().filter(|it| *it == "conversion.refunded.v1");
    assert_eq!(refunded.count(), 3);
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["conversions"])
        .await;
    service.stop().await;
}
