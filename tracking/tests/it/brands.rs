//! An order number belongs to a brand: two shops' numbers never meet, and one shop's is one order whoever reports it.

use runtime::testing::{TestService, brand, message, operator};
use schemas::{Actor, Body, Message, RecordEventV1, Topic};
use serde_json::{Value, json};
use tracking::{MIGRATIONS, Tracking};
use types::{ConversionId, OrderId};

use crate::app::*;

const OTHER: &str = "brand2";
const OTHER_CAMPAIGN: &str = "camp300";

/// Two brands: `user1` clicked the link of the first, `user2` that of the second.
async fn two_brands() -> TestService {
    let mut service = start_with_link().await;
    adopt_of(&mut service, OTHER, OTHER_CAMPAIGN, &[PARTNER]).await;
    create_link(&service, "lnk_2", OTHER_CAMPAIGN, PARTNER).await;
    click(&service, "lnk_1", "user1").await;
    click(&service, "lnk_2", "user2").await;
    service
}

async fn reported_by(service: &TestService, token: &str, outcome: &str, body: &Value) -> Value {
    let (status, answer) = service.post(EVENTS, token, body).await;
    assert!(status.is_success(), "{status} {answer}");
    assert_eq!(answer["outcome"], outcome, "{body} came to {answer}");
    answer
}

/// What each brand sold and got back: brand, order, amount, refunded, in minor units.
async fn sold(service: &TestService) -> Vec<(String, String, i64, i64)> {
    sqlx::query_as(
        "SELECT brand_id, order_id, amount_minor, refunded_minor FROM conversions WHERE standing = 'attributed'
          ORDER BY brand_id, order_id",
    )
    .fetch_all(service.pool())
    .await
    .unwrap()
}

fn sale(brand: &str, order: &str, amount: i64, refunded: i64) -> (String, String, i64, i64) {
    (brand.to_owned(), order.to_owned(), amount, refunded)
}

#[tokio::test]
async fn two_brands_sell_under_the_same_order_number_with_and_without_a_campaign() {
    let service = two_brands().await;
    for (number, first, second) in [
        ("1001", None, None),
        ("1002", Some(CAMPAIGN), None),
        ("1003", None, Some(OTHER_CAMPAIGN)),
        ("1004", Some(CAMPAIGN), Some(OTHER_CAMPAIGN)),
    ] {
        let of = |user: &str, campaign: Option<&str>| match campaign {
            Some(campaign) => with(order(user, number, "10"), "campaign_id", campaign),
            None => order(user, number, "10"),
        };
        reported_by(&service, &brand(BRAND), "attributed", &of("user1", first)).await;
        reported_by(&service, &brand(OTHER), "attributed", &of("user2", second)).await;
    }
    let each = |brand| ["1001", "1002", "1003", "1004"].map(|order| sale(brand, order, 1_000, 0));
    assert_eq!(sold(&service).await, [each(BRAND), each(OTHER)].concat());
    service.stop().await;
}

#[tokio::test]
async fn a_brands_refund_never_takes_back_another_brands_sale_of_the_same_number() {
    let service = two_brands().await;
    // Before the sale.
    let early = refund("user1", "1002", "10");
    reported_by(&service, &brand(OTHER), "refund_noted", &early).await;
    let bought = order("user1", "1002", "10");
    reported_by(&service, &brand(BRAND), "attributed", &bought).await;
    // After it.
    for user in ["user1", "user2"] {
        let late = refund(user, "1002", "10");
        reported_by(&service, &brand(OTHER), "refund_noted", &late).await;
    }
    assert_eq!(sold(&service).await, [sale(BRAND, "1002", 1_000, 0)]);
    // Its own, of course.
    let own = refund("user1", "1002", "4");
    reported_by(&service, &brand(BRAND), "refunded", &own).await;
    assert_eq!(sold(&service).await, [sale(BRAND, "1002", 1_000, 400)]);
    // What the other noted takes back what the other sells.
    let sold_by_other = order("user2", "1002", "15");
    reported_by(&service, &brand(OTHER), "attributed", &sold_by_other).await;
    assert_eq!(
        sold(&service).await,
        [
            sale(BRAND, "1002", 1_000, 400),
            sale(OTHER, "1002", 1_500, 1_500)
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn under_a_campaign_that_does_not_exist_yet_a_brand_touches_only_its_own_orders() {
    let mut service = two_brands().await;
    let early = |body: Value| with(body, "campaign_id", "later");
    let taken = early(refund("user3", "1003", "10"));
    reported_by(&service, &brand(OTHER), "refund_noted", &taken).await;
    let claimed = early(order("user3", "1004", "10"));
    reported_by(&service, &brand(OTHER), "unattributed", &claimed).await;

    adopt_of(&mut service, BRAND, "later", &[PARTNER]).await;
    create_link(&service, "lnk_later", "later", PARTNER).await;
    click(&service, "lnk_later", "user3").await;
    for number in ["1003", "1004"] {
        let bought = early(order("user3", number, "10"));
        reported_by(&service, &brand(BRAND), "attributed", &bought).await;
    }
    assert_eq!(
        sold(&service).await,
        [sale(BRAND, "1003", 1_000, 0), sale(BRAND, "1004", 1_000, 0)]
    );
    service.stop().await;
}

#[tokio::test]
async fn one_number_under_two_campaigns_of_one_brand_is_one_order() {
    let mut service = two_brands().await;
    adopt_of(&mut service, BRAND, "camp101", &[PARTNER]).await;
    create_link(&service, "lnk_101", "camp101", PARTNER).await;
    click(&service, "lnk_101", "user1").await;
    let bought = |campaign| with(order("user1", "1005", "10"), "campaign_id", campaign);
    reported_by(&service, &brand(BRAND), "attributed", &bought(CAMPAIGN)).await;
    for token in [brand(BRAND), operator()] {
        reported_by(&service, &token, "duplicate_ignored", &bought("camp101")).await;
    }
    let back = with(refund("user1", "1005", "10"), "campaign_id", "camp101");
    reported_by(&service, &brand(BRAND), "refunded", &back).await;
    assert_eq!(sold(&service).await, [sale(BRAND, "1005", 1_000, 1_000)]);
    service.stop().await;
}

#[tokio::test]
async fn one_order_is_one_conversion_whoever_reports_it_in_whatever_order() {
    let service = two_brands().await;
    let reporters = [
        (brand(BRAND), None),
        (brand(BRAND), Some(CAMPAIGN)),
        (operator(), None),
        (operator(), Some(CAMPAIGN)),
    ];
    let mut orders = 0;
    for first in &reporters {
        for second in &reporters {
            for refunder in &reporters {
                for refund_first in [false, true] {
                    orders += 1;
                    let number = format!("order{orders}");
                    let named = |body: Value, campaign: Option<&str>| match campaign {
                        Some(campaign) => with(body, "campaign_id", campaign),
                        None => body,
                    };
                    let back = named(refund("user1", &number, "4"), refunder.1);
                    if refund_first {
                        reported_by(&service, &refunder.0, "refund_noted", &back).await;
                    }
                    let bought = |campaign| named(order("user1", &number, "10"), campaign);
                    let reported =
                        reported_by(&service, &first.0, "attributed", &bought(first.1)).await;
                    let again = bought(second.1);
                    let again = reported_by(&service, &second.0, "duplicate_ignored", &again).await;
                    assert_eq!(again["conversion_id"], reported["conversion_id"]);
                    if !refund_first {
                        reported_by(&service, &refunder.0, "refunded", &back).await;
                    }
                    assert_eq!(
                        see(&service, &reported).await["refunded"],
                        "4.00",
                        "{number}"
                    );
                }
            }
        }
    }
    assert_eq!(sold(&service).await.len(), orders);
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["conversions"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn whoever_reports_without_a_brand_the_visitors_click_says_whose_number_it_is() {
    let service = two_brands().await;
    report_as(&service, "attributed", &order("user1", "1006", "10")).await;
    report_as(&service, "attributed", &order("user2", "1006", "15")).await;
    report_as(&service, "refunded", &refund("user2", "1006", "5")).await;
    for (token, user, campaign) in [(BRAND, "user1", CAMPAIGN), (OTHER, "user2", OTHER_CAMPAIGN)] {
        let bare = order(user, "1006", "10");
        let named = with(bare.clone(), "campaign_id", campaign);
        for body in [bare, named] {
            reported_by(&service, &brand(token), "duplicate_ignored", &body).await;
            report_as(&service, "duplicate_ignored", &body).await;
        }
    }
    assert_eq!(
        sold(&service).await,
        [
            sale(BRAND, "1006", 1_000, 0),
            sale(OTHER, "1006", 1_500, 500)
        ]
    );
    service.stop().await;
}

/// A brand's report as it comes by a topic.
fn reported(
    brand: &str,
    event_type: &str,
    user: &str,
    number: &str,
    campaign: Option<&str>,
) -> Message {
    let order = OrderId::parse(number).unwrap();
    let owner = types::BrandId::parse(brand).unwrap();
    let id = ConversionId::of_brand(&owner, &order);
    let body = Body::RecordEventV1(RecordEventV1 {
        event_type: event_type.to_owned(),
        user_id: user.to_owned(),
        occurred_at: None,
        amount: Some("10".to_owned()),
        currency: None,
        order_id: Some(number.to_owned()),
        campaign_id: campaign.map(str::to_owned),
        click_id: None,
        product_id: None,
        metadata: None,
        visitor: None,
        conversion_id: None,
    });
    let topic = Topic::TrackingCommands;
    let mut message = message(topic, id.as_str(), id.as_str(), body, None);
    message.header.actor = Some(Actor {
        subject: brand.to_owned(),
        roles: vec!["brand".to_owned()],
        partner_id: None,
        brand_id: Some(brand.to_owned()),
    });
    message
}

#[tokio::test]
async fn by_message_too_two_brands_have_the_same_number_in_one_batch_and_across_batches() {
    let service = two_brands().await;
    let both = |number: &str, campaign: Option<&str>| {
        let other = campaign.map(|_| OTHER_CAMPAIGN);
        vec![
            reported(OTHER, "refund", "user1", number, None),
            reported(OTHER, "refund", "user1", number, Some("unheard-of")),
            reported(BRAND, "purchase", "user1", number, campaign),
            reported(OTHER, "refund", "user1", number, None),
            reported(OTHER, "purchase", "user2", number, other),
            reported(BRAND, "purchase", "user1", number, None),
        ]
    };
    let topic = Topic::TrackingCommands;
    for number in ["1007", "1008"] {
        let campaign = (number == "1008").then_some(CAMPAIGN);
        service.deliver_all(topic, both(number, campaign)).await;
    }
    for message in both("1009", Some(CAMPAIGN)) {
        service.deliver_all(topic, vec![message]).await;
    }
    let each = |brand, refunded| {
        ["1007", "1008", "1009"].map(|number| sale(brand, number, 1_000, refunded))
    };
    assert_eq!(
        sold(&service).await,
        [each(BRAND, 0), each(OTHER, 1_000)].concat()
    );
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["conversions"])
        .await;
    service.stop().await;
}

/// What tables that an earlier build wrote look like: an order is known by its number, or by campaign and number.
async fn as_before(service: &TestService, answer: &Value, old: &ConversionId) {
    let old: types::Uuid = old.as_str().parse().unwrap();
    let now: types::Uuid = answer["conversion_id"].as_str().unwrap().parse().unwrap();
    for statement in [
        "DELETE FROM conversion_aliases WHERE conversion_id = $1 AND $2::uuid IS NOT NULL",
        "UPDATE conversions SET id = $2 WHERE id = $1",
    ] {
        let query = sqlx::query(statement).bind(now).bind(old);
        query.execute(service.pool()).await.unwrap();
    }
}

#[tokio::test]
async fn an_order_that_was_recorded_under_its_old_id_is_recognised_by_its_brand_and_by_no_other() {
    let service = two_brands().await;
    let number = |text: &str| OrderId::parse(text).unwrap();
    let campaign = types::CampaignId::parse(CAMPAIGN).unwrap();
    for (text, old) in [
        ("1010", ConversionId::of_order(None, &number("1010"))),
        (
            "1011",
            ConversionId::of_order(Some(&campaign), &number("1011")),
        ),
    ] {
        let bought = order("user1", text, "10");
        let answer = report_as(&service, "attributed", &bought).await;
        as_before(&service, &answer, &old).await;
        reported_by(
            &service,
            &brand(OTHER),
            "refund_noted",
            &refund("user1", text, "10"),
        )
        .await;
        let named = with(bought.clone(), "campaign_id", CAMPAIGN);
        let again = reported_by(&service, &brand(BRAND), "duplicate_ignored", &named).await;
        assert_eq!(again["conversion_id"], old.as_str());
        reported_by(&service, &brand(BRAND), "duplicate_ignored", &bought).await;
        report_as(&service, "duplicate_ignored", &bought).await;
        reported_by(
            &service,
            &brand(OTHER),
            "attributed",
            &order("user2", text, "10"),
        )
        .await;
        reported_by(
            &service,
            &brand(BRAND),
            "refunded",
            &refund("user1", text, "3"),
        )
        .await;
    }
    assert_eq!(
        sold(&service).await,
        [
            sale(BRAND, "1010", 1_000, 300),
            sale(BRAND, "1011", 1_000, 300),
            sale(OTHER, "1010", 1_000, 1_000),
            sale(OTHER, "1011", 1_000, 1_000),
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn a_refund_that_was_noted_under_its_old_id_is_counted_once_and_for_its_own_visitor() {
    let service = two_brands().await;
    let campaign = types::CampaignId::parse(CAMPAIGN).unwrap();
    for (number, of) in [("1012", None), ("1013", Some(&campaign))] {
        let old = ConversionId::of_order(of, &OrderId::parse(number).unwrap());
        let early = refund("user1", number, "4");
        let noted = reported_by(&service, &brand(BRAND), "refund_noted", &early).await;
        as_before(&service, &noted, &old).await;
        let bought = with(order("user1", number, "10"), "campaign_id", CAMPAIGN);
        reported_by(
            &service,
            &brand(OTHER),
            "attributed",
            &order("user2", number, "10"),
        )
        .await;
        reported_by(&service, &brand(BRAND), "attributed", &bought).await;
        report_as(&service, "duplicate_ignored", &bought).await;
        report_as(&service, "duplicate_ignored", &order("user1", number, "10")).await;
    }
    assert_eq!(
        sold(&service).await,
        [
            sale(BRAND, "1012", 1_000, 400),
            sale(BRAND, "1013", 1_000, 400),
            sale(OTHER, "1012", 1_000, 0),
            sale(OTHER, "1013", 1_000, 0),
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn who_is_brand_and_partner_reports_for_its_own_shop_alone() {
    let service = two_brands().await;
    let both = runtime::testing::mint(
        &runtime::testing::claims("both")
            .brand(OTHER)
            .partner(PARTNER),
    );
    let (status, problem) = service
        .post(
            EVENTS,
            &both,
            &with(order("user1", "1014", "10"), "campaign_id", CAMPAIGN),
        )
        .await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("campaign_unknown"))
    );
    reported_by(
        &service,
        &both,
        "unattributed",
        &order("user1", "1014", "10"),
    )
    .await;
    reported_by(
        &service,
        &brand(BRAND),
        "attributed",
        &order("user1", "1014", "10"),
    )
    .await;
    service.stop().await;
}
