//! Postbacks: a partner's tracker is told what came of its clicks.

use axum::http::StatusCode;
use notify::{MIGRATIONS, Notify};
use runtime::testing;
use schemas::{Body, ConversionAttributedV1, ConversionRefundedV1, Topic};
use serde_json::json;
use types::{Currency, Money};

use crate::app::{self, DELIVERIES, WEBHOOKS};
use crate::receiver::Tracker;

#[tokio::test]
async fn a_tracker_is_asked_for_its_address_with_the_click_and_what_it_earns() {
    let mut service = app::start().await;
    let partner = testing::partner("partner1");
    let tracker = Tracker::start().await;
    let url = format!(
        "{}/pb?e={{event}}&c={{click_id}}&o={{order_id}}&a={{amount}}&m={{commission}}&u={{currency}}&i={{conversion_id}}&t=s%20",
        tracker.url
    );
    let body = json!({"url": url, "format": "postback"});
    let made = app::post(&service, WEBHOOKS, &partner, &body, StatusCode::CREATED).await;
    let id = made["endpoint_id"].as_str().unwrap();
    let path = format!("{WEBHOOKS}/{id}");
    let shown = app::get(&service, &path, &partner).await;
    assert_eq!(shown["format"], "postback");
    assert_eq!(shown["url"], url);
    assert_eq!(shown["kinds"].as_array().unwrap().len(), 5, "{shown}");
    app::campaign(&mut service, "camp1", "brand1").await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    app::sale(&mut service, "order2", "brand1", "partner2").await;
    app::link(&mut service, "spring", ("camp1", None), "partner1").await;
    app::approval(&mut service, "order1", "brand1", "partner1").await;
    app::refund(&mut service, "order1", 5_000).await;
    let requested = tracker.until(3).await;
    assert_eq!(
        requested,
        [
            "GET /pb?e=conversion.attributed.v1&c=clk_1&o=order1&a=200.00&m=&u=USD&i=order1&t=s%20",
            "GET /pb?e=commission.approved.v1&c=clk_1&o=order1&a=200.00&m=20.00&u=USD&i=order1&t=s%20",
            "GET /pb?e=conversion.refunded.v1&c=clk_1&o=order1&a=50.00&m=&u=USD&i=order1&t=s%20",
        ]
    );
    let test = format!("{path}/test");
    app::post(&service, &test, &partner, &json!({}), StatusCode::OK).await;
    let requested = tracker.until(4).await.remove(3);
    assert_eq!(
        requested,
        "GET /pb?e=webhook_endpoint.tested.v1&c=&o=&a=&m=&u=&i=&t=s%20"
    );
    let delivered = app::until_deliveries(&service, id, "delivered", 4).await;
    let approved = delivered
        .iter()
        .find(|it| it["kind"] == "commission.approved.v1");
    let path = format!("{DELIVERIES}/{}", approved.unwrap()["id"].as_str().unwrap());
    let details = app::get(&service, &path, &partner).await;
    let url = details["url"].as_str().unwrap();
    assert!(
        url.starts_with(&tracker.url) && url.contains("&m=20.00&"),
        "{details}"
    );
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["webhook_endpoints"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_commission_that_comes_before_its_conversion_is_told_with_the_click_a_moment_later() {
    let mut service = app::start().await;
    let partner = testing::partner("partner1");
    let tracker = Tracker::start().await;
    let body = json!({"url": format!("{}/?c={{click_id}}", tracker.url), "format": "postback",
        "kinds": ["commission.approved.v1"]});
    let made = app::post(&service, WEBHOOKS, &partner, &body, StatusCode::CREATED).await;
    let id = made["endpoint_id"].as_str().unwrap();
    app::approval(&mut service, "order1", "brand1", "partner1").await;
    for times in 1..=2 {
        testing::until("it was put off", || async {
            let waiting = app::until_deliveries(&service, id, "pending", 1).await;
            waiting[0]["attempts"].as_i64() >= Some(times)
        })
        .await;
        service.advance_clock(10).await;
    }
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    service.advance_clock(3_600).await;
    assert_eq!(tracker.until(1).await, ["GET /?c=clk_1"]);
    service.stop().await;
}

#[tokio::test]
async fn a_conversion_that_a_restore_gave_to_another_partner_is_told_its_tracker_with_its_own_click()
 {
    let mut service = app::start().await;
    let mut trackers = Vec::new();
    for partner in ["partner1", "partner2"] {
        let tracker = Tracker::start().await;
        let url = format!("{}/?c={{click_id}}&l={{link}}", tracker.url);
        let kinds = ["conversion.refunded.v1"];
        let body = json!({"url": url, "format": "postback", "kinds": kinds});
        let token = testing::partner(partner);
        app::post(&service, WEBHOOKS, &token, &body, StatusCode::CREATED).await;
        trackers.push(tracker);
    }
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    let attributed = ConversionAttributedV1 {
        click_id: "clk_2".parse().unwrap(),
        link_code: "summer".parse().unwrap(),
        ..app::attributed("order1", "brand1", "partner2")
    };
    let usd = |minor| Money::new(minor, Currency::parse("USD").unwrap());
    let refunded = ConversionRefundedV1 {
        amount: usd(5_000),
        refunded_total: usd(5_000),
        purchase_amount: usd(20_000),
        partner_id: Some("partner2".parse().unwrap()),
        brand_id: Some("brand1".parse().unwrap()),
    };
    for body in [Body::from(attributed), refunded.into()] {
        let topic = Topic::TrackingEvents;
        service.deliver(topic, "order1", "order1", body).await;
    }
    assert_eq!(trackers[1].until(1).await, ["GET /?c=clk_2&l=summer"]);
    service.stop().await;
}

#[tokio::test]
async fn a_postback_is_a_partners_of_types_that_it_is_sent_and_at_an_address_with_macros_that_there_are()
 {
    let service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let good = "https://tracker.example.com/pb?c={click_id}";
    for (token, url, kinds, pointer, says) in [
        (&brand, good, json!(null), "/format", "for partners"),
        (
            &partner,
            good,
            json!(["payout.paid.v1"]),
            "/kinds/0",
            "payout.paid.v1",
        ),
        (
            &partner,
            "https://tracker.example.com/pb?s={sub1}",
            json!(null),
            "/url",
            "{sub1}",
        ),
        (
            &partner,
            "https://tracker.example.com/{click_id}",
            json!(null),
            "/url",
            "query",
        ),
        (
            &partner,
            "https://tracker.example.com/?a={amount",
            json!(null),
            "/url",
            "close",
        ),
        (
            &partner,
            "https://10.0.0.1/?a={amount}",
            json!(null),
            "/url",
            "public",
        ),
    ] {
        let body = json!({"url": url, "kinds": kinds, "format": "postback"});
        let answer = app::post(&service, WEBHOOKS, token, &body, refused).await;
        let text = answer.to_string();
        assert!(
            text.contains(pointer) && text.contains(says),
            "{url}: {answer}"
        );
    }
    let body = json!({"url": good, "format": "postback"});
    let made = app::post(&service, WEBHOOKS, &partner, &body, StatusCode::CREATED).await;
    let path = format!("{WEBHOOKS}/{}", made["endpoint_id"].as_str().unwrap());
    let change = json!({"url": "https://tracker.example.com/pb?c={nothing}"});
    let (status, answer) = service.patch(&path, &partner, &change).await;
    assert_eq!(status, refused, "{answer}");
    assert!(answer.to_string().contains("{nothing}"), "{answer}");
    let change = json!({"url": "https://tracker.example.com/pb?o={order_id}", "kinds": []});
    let (status, _) = service.patch(&path, &partner, &change).await;
    assert_eq!(status, StatusCode::OK);
    let shown = app::get(&service, &path, &partner).await;
    assert_eq!(shown["kinds"].as_array().unwrap().len(), 5, "{shown}");
    service.stop().await;
}
