//! Whoever sends a report by the broker need not know how conversions are called.

use messaging::Answer;
use runtime::testing::{TestService, message, operator};
use schemas::{Body, CreateLinkV1, Message, RecordEventV1, Topic};
use serde_json::json;
use types::{BrandId, ConversionId, OrderId};

use crate::app::*;

/// A purchase by the brand's producer, whose key says which brand it is; it calls its conversion something.
fn called(subject: &str, key: &str, order: Option<&str>) -> Message {
    let body = Body::RecordEventV1(RecordEventV1 {
        event_type: "purchase".to_owned(),
        user_id: "user1".to_owned(),
        occurred_at: None,
        amount: Some("10".to_owned()),
        currency: None,
        order_id: order.map(str::to_owned),
        campaign_id: None,
        click_id: None,
        product_id: None,
        metadata: None,
        visitor: None,
        conversion_id: None,
    });
    let mut message = message(Topic::TrackingCommands, key, subject, body, None);
    "shop".clone_into(&mut message.header.source);
    message
}

async fn last_subject(service: &TestService) -> (String, String) {
    let header = service.log().await.pop().unwrap().header;
    (header.subject, header.key)
}

#[tokio::test]
async fn an_external_producer_may_call_a_conversion_anything_or_nothing() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let topic = Topic::TrackingCommands;
    let names = [("anything", "any key"), ("", ""), ("order1", "")];
    for (number, (subject, key)) in names.into_iter().enumerate() {
        let number = format!("order{number}");
        let report = called(subject, key, Some(&number));
        let answers = service.deliver_all(topic, vec![report]).await;
        assert_eq!(answers[0].name(), "done", "{answers:?}");
        let brand = BrandId::parse(BRAND).unwrap();
        let own = ConversionId::of_brand(&brand, &OrderId::parse(number).unwrap()).into_string();
        assert_eq!(last_subject(&service).await, (own.clone(), own));
    }
    let report = called("", "", None);
    let id = report.header.id.to_string();
    let answers = service.deliver_all(topic, vec![report]).await;
    assert_eq!(answers[0].name(), "done", "{answers:?}");
    assert_eq!(last_subject(&service).await, (id.clone(), id));
    service.stop().await;
}

#[tokio::test]
async fn an_external_producers_refund_is_about_the_conversion_that_it_names() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let topic = Topic::TrackingCommands;
    let sold = called("", "", None);
    let id = sold.header.id.to_string();
    let mut back = called("anything", "any key", None);
    let Body::RecordEventV1(body) = &mut back.body else {
        panic!("{back:?}")
    };
    body.event_type = "refund".to_owned();
    body.amount = None;
    body.conversion_id = Some(id.to_uppercase());
    let answers = service.deliver_all(topic, vec![sold, back]).await;
    let answers: Vec<_> = answers.iter().map(Answer::name).collect();
    assert_eq!(answers, ["done", "done"]);
    let refunded = service.log().await.pop().unwrap();
    assert_eq!(refunded.header.kind, "conversion.refunded.v1");
    assert_eq!((&refunded.header.subject, &refunded.header.key), (&id, &id));
    service.stop().await;
}

#[tokio::test]
async fn what_is_in_the_retry_queue_blocks_its_own_order_and_nobodys_that_it_is_called() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    // A refund whose handling fails every time.
    sqlx::query("ALTER TABLE conversions ADD CONSTRAINT broken CHECK (order_id <> 'order1')")
        .execute(service.pool())
        .await
        .unwrap();
    let topic = Topic::TrackingCommands;
    let brand = BrandId::parse(BRAND).unwrap();
    let of =
        |order: &str| ConversionId::of_brand(&brand, &OrderId::parse(order).unwrap()).into_string();
    let answer = |report| async { service.deliver_all(topic, vec![report]).await.remove(0) };
    let names_anothers = called(&of("order2"), "k", Some("order1"));
    assert_eq!(answer(names_anothers).await.name(), "parked");
    let anothers = called("x", "x", Some("order2"));
    assert_eq!(answer(anothers).await.name(), "done");
    let behind = called("y", "y", Some("order1"));
    assert_eq!(answer(behind).await.name(), "parked");
    let blocked: Vec<String> = sqlx::query_scalar("SELECT DISTINCT subject FROM pipeline.parked")
        .fetch_all(service.pool())
        .await
        .unwrap();
    assert_eq!(blocked, [of("order1")]);
    sqlx::query("ALTER TABLE conversions DROP CONSTRAINT broken")
        .execute(service.pool())
        .await
        .unwrap();
    runtime::testing::until("both are handled", || async {
        let (_, page) = service
            .get(&format!("{CONVERSIONS}?order_id=order1"), &operator())
            .await;
        page["items"][0]["standing"] == json!("attributed")
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn a_link_that_waits_for_its_campaign_holds_up_no_order_whose_conversion_has_its_code_as_id()
{
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let topic = Topic::TrackingCommands;
    let order = OrderId::parse("order1").unwrap();
    let code = ConversionId::of_brand(&BrandId::parse(BRAND).unwrap(), &order).into_string();
    let link = CreateLinkV1 {
        campaign_id: "camp404".to_owned(),
        partner_id: PARTNER.to_owned(),
        target_url: "https://shop.example/".to_owned(),
        utm: None,
        deep_paths: None,
    };
    let link = message(topic, &code, &code, link.into(), None);
    let answers = service.deliver_all(topic, vec![link]).await;
    assert_eq!(answers[0].name(), "parked", "{answers:?}");
    let answers = service
        .deliver_all(topic, vec![called("", "", Some("order1"))])
        .await;
    assert_eq!(answers[0].name(), "done", "{answers:?}");
    service.stop().await;
}
