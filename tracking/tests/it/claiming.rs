//! Claims: what a partner reports earns nothing before its brand, or who speaks for it, says the same.

use axum::http::StatusCode;
use chassis::auth::Role;
use messaging::Answer;
use runtime::testing::{
    TestService, brand, claims, message, mint, operator, operator_actor, partner,
};
use schemas::{AcceptClaimV1, Actor, Body, Message, RecordEventV1, Topic};
use serde_json::{Value, json};
use tracking::{MIGRATIONS, Tracking};
use types::ConversionId;

use crate::app::*;

async fn reported(service: &TestService, token: &str, body: &Value) -> (StatusCode, Value) {
    service.post(EVENTS, token, body).await
}

/// A partner's report, which must be a claim; its id.
async fn claimed(service: &TestService, body: &Value) -> String {
    let (status, answer) = reported(service, &partner(PARTNER), body).await;
    assert_eq!(
        (status, &answer["outcome"]),
        (StatusCode::CREATED, &json!("claimed")),
        "{answer}"
    );
    answer["claim_id"].as_str().unwrap().to_owned()
}

async fn claim(service: &TestService, id: &str) -> Value {
    let (status, answer) = service
        .get(&format!("{CLAIMS}/{id}"), &partner(PARTNER))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

async fn conversions(service: &TestService) -> usize {
    let (_, list) = service.get(CONVERSIONS, &operator()).await;
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn ten_thousand_on_its_own_click_is_a_claim_and_the_brands_report_settles_it() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let sale = order("user1", "order1", "10000.00");
    let id = claimed(&service, &sale).await;
    assert_eq!(conversions(&service).await, 0);
    let open = claim(&service, &id).await;
    assert_eq!(
        (&open["status"], &open["amount"]["amount"]),
        (&json!("open"), &json!("10000.00"))
    );

    let (_, sold) = reported(&service, &brand(BRAND), &sale).await;
    assert_eq!(sold["outcome"], "attributed", "{sold}");
    let settled = claim(&service, &id).await;
    assert_eq!(settled["status"], "settled", "{settled}");
    assert_eq!(settled["conversion_id"], sold["conversion_id"]);

    let (status, again) = reported(&service, &partner(PARTNER), &sale).await;
    assert_eq!(
        (status, &again["outcome"]),
        (StatusCode::OK, &json!("settled")),
        "{again}"
    );
    assert_eq!(again["conversion_id"], sold["conversion_id"]);
    assert_eq!(conversions(&service).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn a_claim_after_the_brands_report_is_settled_at_once() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let sale = order("user1", "order1", "10");
    let (_, sold) = reported(&service, &brand(BRAND), &sale).await;
    let (status, late) = reported(&service, &partner(PARTNER), &sale).await;
    assert_eq!(
        (status, &late["outcome"]),
        (StatusCode::OK, &json!("settled")),
        "{late}"
    );
    let id = late["claim_id"].as_str().unwrap();
    assert_eq!(
        claim(&service, id).await["conversion_id"],
        sold["conversion_id"]
    );
    service.stop().await;
}

#[tokio::test]
async fn a_brand_accepts_or_declines_and_nobody_else_does() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let wanted = claimed(&service, &order("user1", "order1", "10")).await;
    let unwanted = claimed(&service, &order("user1", "order2", "20")).await;
    let accept = format!("{CLAIMS}/{wanted}/accept");
    let decline = format!("{CLAIMS}/{unwanted}/decline");
    let reason = json!({"reason": "order_unknown"});
    for stranger in [partner(PARTNER), brand("brand9")] {
        for (path, body) in [(&accept, &json!({})), (&decline, &reason)] {
            let (status, answer) = service.post(path, &stranger, body).await;
            assert_eq!(
                (status, &answer["code"]),
                (StatusCode::NOT_FOUND, &json!("claim_unknown")),
                "{answer}"
            );
        }
    }
    let own = brand(BRAND);
    let (status, accepted) = service.post(&accept, &own, &json!({})).await;
    assert_eq!(
        (status, &accepted["status"]),
        (StatusCode::OK, &json!("accepted")),
        "{accepted}"
    );
    let (status, declined) = service.post(&decline, &own, &reason).await;
    assert_eq!(
        (status, &declined["reason"]),
        (StatusCode::OK, &reason["reason"]),
        "{declined}"
    );
    let (status, again) = service.post(&accept, &own, &json!({})).await;
    assert_eq!(
        (status, &again["code"]),
        (StatusCode::CONFLICT, &json!("claim_decided"))
    );

    let conversion = see(&service, &accepted).await;
    assert_eq!(conversion["partner_id"], PARTNER);
    assert_eq!(conversion["verified_by"], "claim");
    assert_eq!(conversions(&service).await, 1);
    assert_eq!(claim(&service, &unwanted).await["reason"], "order_unknown");
    let (_, open) = service.get(&format!("{CLAIMS}?status=open"), &own).await;
    assert_eq!(open["items"], json!([]));
    service.stop().await;
}

#[tokio::test]
async fn a_partner_reports_no_refund() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    reported(&service, &brand(BRAND), &order("user1", "order1", "10")).await;
    let (status, refused) =
        reported(&service, &partner(PARTNER), &refund("user1", "order1", "4")).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::FORBIDDEN, &json!("refund_not_trusted")),
        "{refused}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_refund_that_waits_under_the_number_alone_is_taken_back_when_the_claim_is_accepted() {
    let service = start_with_link().await;
    report_as(&service, "refund_noted", &refund("user1", "order1", "4")).await;
    click(&service, "lnk_1", "user1").await;
    let id = claimed(&service, &order("user1", "order1", "10")).await;
    let accept = format!("{CLAIMS}/{id}/accept");
    let (status, accepted) = service.post(&accept, &brand(BRAND), &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{accepted}");
    assert_eq!(see(&service, &accepted).await["refunded"], "4.00");
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["claims", "conversions"])
        .await;
    service.stop().await;
}

/// A brand's own system at the broker.
fn shop() -> Actor {
    Actor {
        roles: vec!["brand".to_owned()],
        brand_id: Some(BRAND.to_owned()),
        ..operator_actor()
    }
}

/// A lead that its brand reports as nobody's and of no amount, and then a partner claims with one; the claim's id.
async fn claimed_of_nobody(service: &TestService, number: &str, refunded: bool) -> String {
    let of_shop = |kind: &str| json!({"user_id": "user2", "event_type": kind, "order_id": number});
    let (_, lead) = reported(service, &brand(BRAND), &of_shop("lead")).await;
    assert_eq!(lead["outcome"], "unattributed", "{lead}");
    if refunded {
        let (_, noted) = reported(service, &brand(BRAND), &of_shop("refund")).await;
        assert_eq!(noted["outcome"], "refund_noted", "{noted}");
    }
    claimed(
        service,
        &with(order("user1", number, "10"), "event_type", "lead"),
    )
    .await
}

#[tokio::test]
async fn a_claim_with_an_amount_of_what_was_reported_without_one_is_taken_back_by_a_refund_before_or_right_after_it_is_accepted()
 {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let first = claimed_of_nobody(&service, "lead1", true).await;
    let accept = format!("{CLAIMS}/{first}/accept");
    let (status, accepted) = service.post(&accept, &brand(BRAND), &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{accepted}");
    assert_eq!(see(&service, &accepted).await["amount"], Value::Null);

    let second = claimed_of_nobody(&service, "lead2", false).await;
    let topic = Topic::TrackingCommands;
    let accept = Body::AcceptClaimV1(AcceptClaimV1 {});
    let mut accept = message(topic, &second, &second, accept, None);
    accept.header.actor = Some(shop());
    let whole = json!({"user_id": "user2", "event_type": "refund", "order_id": "lead2"});
    let both = vec![accept, report_of(&shop(), &whole)];
    let answers = service.deliver_all(topic, both).await;
    let answers: Vec<_> = answers.iter().map(Answer::name).collect();
    assert_eq!(answers, ["done", "done"]);

    let taken_back = "SELECT order_id FROM conversions WHERE is_taken_back ORDER BY order_id";
    let taken_back: Vec<String> = sqlx::query_scalar(taken_back)
        .fetch_all(service.pool())
        .await
        .unwrap();
    assert_eq!(taken_back, ["lead1", "lead2"]);
    let kinds = kinds(&service).await;
    let refunded = kinds.iter().filter(|it| *it == "conversion.refunded.v1");
    assert_eq!(refunded.count(), 2);
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["claims", "conversions"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn claims_are_the_fold_of_their_log() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let first = claimed(&service, &order("user1", "order1", "10")).await;
    let second = claimed(&service, &order("user1", "order2", "20")).await;
    claimed(&service, &order("user1", "order3", "30")).await;
    claimed(&service, &json!({"user_id": "user1", "event_type": "lead"})).await;
    let own = brand(BRAND);
    service
        .post(&format!("{CLAIMS}/{first}/accept"), &own, &json!({}))
        .await;
    let reason = json!({"reason": "order_unknown"});
    service
        .post(&format!("{CLAIMS}/{second}/decline"), &own, &reason)
        .await;
    reported(&service, &own, &order("user1", "order3", "30")).await;
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["claims", "conversions"])
        .await;
    service.stop().await;
}

/// Whose word it is: subject, partner and brand of an actor; the last is a brand's own system at the broker.
const WHO: [(&str, Option<&str>, Option<&str>, bool); 7] = [
    ("the partner of the click", Some(PARTNER), None, false),
    ("another partner", Some("partner9"), None, false),
    (
        "who is that partner and another brand",
        Some(PARTNER),
        Some("brand9"),
        false,
    ),
    ("another brand", None, Some("brand9"), false),
    ("nobody in particular", None, None, false),
    ("the brand", None, Some(BRAND), true),
    (
        "who is the brand and the partner",
        Some(PARTNER),
        Some(BRAND),
        true,
    ),
];

/// Reports by HTTP, with a token; or by the broker, with what the bff signed of that token.
async fn report_by(service: &TestService, by_http: bool, actor: &Actor, body: &Value) {
    if by_http {
        let mut who = claims(&actor.subject);
        if let Some(partner) = &actor.partner_id {
            who = who.partner(partner);
        }
        if let Some(brand) = &actor.brand_id {
            who = who.brand(brand);
        }
        if actor.roles == ["operator"] {
            who = who.role(Role::Operator);
        }
        reported(service, &mint(&who), body).await;
        return;
    }
    let report = report_of(actor, body);
    service
        .deliver_all(Topic::TrackingCommands, vec![report])
        .await;
}

/// A report as it comes by the broker.
fn report_of(actor: &Actor, body: &Value) -> Message {
    let text = |name: &str| body[name].as_str().map(ToOwned::to_owned);
    let report = Body::RecordEventV1(RecordEventV1 {
        event_type: text("event_type").unwrap(),
        user_id: text("user_id").unwrap(),
        occurred_at: None,
        amount: text("amount"),
        currency: None,
        order_id: text("order_id"),
        campaign_id: None,
        click_id: None,
        product_id: None,
        metadata: None,
        visitor: None,
        conversion_id: None,
    });
    let topic = Topic::TrackingCommands;
    let mut message = message(topic, "", "", report, None);
    let shop = actor.brand_id.as_deref().map(|id| id.parse().unwrap());
    let order = text("order_id").map(|id| id.parse().unwrap());
    let id = message.header.id;
    let conversion = ConversionId::of_report(shop.as_ref(), None, order.as_ref(), id);
    message.header.subject = conversion.to_string();
    message.header.key = conversion.to_string();
    message.header.actor = Some(actor.clone());
    message
}

#[tokio::test]
async fn only_who_speaks_for_the_brand_makes_or_takes_money_by_any_transport() {
    let service = start_with_link().await;
    let roles = |partner: Option<&str>, brand: Option<&str>| {
        let roles = [partner.map(|_| "partner"), brand.map(|_| "brand")];
        roles.into_iter().flatten().map(ToOwned::to_owned).collect()
    };
    let mut who: Vec<(&str, Actor, bool)> = WHO
        .into_iter()
        .map(|(name, partner, brand, may)| {
            let actor = Actor {
                subject: "somebody".to_owned(),
                roles: roles(partner, brand),
                partner_id: partner.map(ToOwned::to_owned),
                brand_id: brand.map(ToOwned::to_owned),
            };
            (name, actor, may)
        })
        .collect();
    who.push(("an operator", operator_actor(), true));
    let (mut number, mut claimed) = (0, 0);
    for by_http in [true, false] {
        for (name, actor, may) in &who {
            for kind in ["purchase", "lead", "refund"] {
                number += 1;
                let (user, order_id) = (format!("user{number}"), format!("order{number}"));
                click(&service, "lnk_1", &user).await;
                let sale = order(&user, &order_id, "10");
                if kind == "refund" {
                    report_as(
                        &service,
                        "attributed",
                        &with(sale.clone(), "campaign_id", CAMPAIGN),
                    )
                    .await;
                }
                let before = kinds(&service).await.len();
                report_by(&service, by_http, actor, &with(sale, "event_type", kind)).await;
                let made = kinds(&service).await.split_off(before);
                let moved = made.iter().any(|kind| {
                    kind == "conversion.attributed.v1" || kind == "conversion.refunded.v1"
                });
                let by = if by_http { "HTTP" } else { "the broker" };
                assert_eq!(moved, *may, "{kind} by {name}, by {by}: {made:?}");
                claimed += made
                    .iter()
                    .filter(|kind| *kind == "conversion.claimed.v1")
                    .count();
            }
        }
    }
    assert_eq!(
        claimed, 4,
        "a sale and a lead of the click's partner, by each transport"
    );
    service.stop().await;
}
