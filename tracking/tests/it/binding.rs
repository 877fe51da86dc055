//! Whose a click was: the campaign's brand says so, and nobody else.

use axum::http::StatusCode;
use runtime::testing::{TestService, brand, message, operator, operator_actor, partner, until};
use schemas::{Actor, BindClickV1, CampaignActivatedV1, CampaignChangedV1, Message, Topic};
use serde_json::{Value, json};
use types::JoinMode;

use crate::app::*;

const ANOTHER: &str = "partner9";

/// A service whose campaign believes no redirect, with a link of the partner, and one of another partner.
pub async fn start_distrusting() -> TestService {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER, ANOTHER]).await;
    let activated = CampaignActivatedV1 {
        brand_id: BRAND.parse().unwrap(),
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    };
    deliver(&mut service, CAMPAIGN, CAMPAIGN, activated.into()).await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    create_link(&service, "lnk_2", CAMPAIGN, ANOTHER).await;
    service
}

pub async fn bind(
    service: &TestService,
    token: &str,
    click: &str,
    user: &str,
) -> (StatusCode, Value) {
    let path = format!("/api/v1/tracking/clicks/{click}/visitor");
    service.post(&path, token, &json!({"user_id": user})).await
}

pub async fn bound(service: &TestService, click: &str, user: &str) {
    let (status, answer) = bind(service, &brand(BRAND), click, user).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn refused_to_bind(service: &TestService, token: &str, click: &str, status: u16, code: &str) {
    let (answered, answer) = bind(service, token, click, "victim").await;
    let answered = (answered.as_u16(), answer["code"].as_str().unwrap());
    assert_eq!(answered, (status, code), "{answer}");
}

#[tokio::test]
async fn a_strangers_click_with_a_victims_id_earns_nothing() {
    let service = start_distrusting().await;
    let own = click(&service, "lnk_1", "whatever").await;
    bound(&service, &own, "victim").await;
    // Anybody may follow a link with anybody's id; the last click stays the one that the shop saw.
    click(&service, "lnk_2", "victim").await;
    let answer = report_as(&service, "attributed", &purchase("victim", "10")).await;
    assert_eq!(answer["partner_id"], PARTNER, "{answer}");
    click(&service, "lnk_2", "another").await;
    let answer = report_as(&service, "unattributed", &purchase("another", "10")).await;
    assert_eq!(answer["reason"], "no_click");
    service.stop().await;
}

#[tokio::test]
async fn the_last_click_that_the_brand_bound_earns_and_a_click_that_is_named_counts_as_ever() {
    let service = start_distrusting().await;
    let first = click(&service, "lnk_1", "x").await;
    let last = click(&service, "lnk_2", "x").await;
    // Whichever is said first.
    bound(&service, &last, "user1").await;
    bound(&service, &first, "user1").await;
    let answer = report_as(&service, "attributed", &purchase("user1", "10")).await;
    assert_eq!(answer["click_id"], json!(last));
    let named = with(purchase("user1", "10"), "click_id", &*first);
    let answer = report_as(&service, "attributed", &named).await;
    assert_eq!(answer["click_id"], json!(first));
    let nobodys = click(&service, "lnk_2", "x").await;
    let named = with(purchase("somebody", "10"), "click_id", &*nobodys);
    let answer = report_as(&service, "attributed", &named).await;
    assert_eq!(answer["partner_id"], ANOTHER);
    service.stop().await;
}

#[tokio::test]
async fn a_click_is_one_visitors_and_said_again_it_is_answered_the_same() {
    let service = start_distrusting().await;
    let clicked = click(&service, "lnk_1", "x").await;
    let (_, once) = bind(&service, &brand(BRAND), &clicked, "user1").await;
    let (status, again) = bind(&service, &operator(), &clicked, "user1").await;
    assert_eq!((status, again), (StatusCode::OK, once));
    refused_to_bind(&service, &brand(BRAND), &clicked, 409, "click_bound").await;
    service.stop().await;
}

#[tokio::test]
async fn only_the_campaigns_brand_and_operators_say_whose_a_click_was() {
    let service = start_distrusting().await;
    let clicked = click(&service, "lnk_1", "x").await;
    refused_to_bind(&service, &brand("brand2"), &clicked, 404, "click_unknown").await;
    refused_to_bind(&service, &partner(PARTNER), &clicked, 403, "forbidden").await;
    refused_to_bind(&service, &brand(BRAND), "clk_nowhere", 404, "click_unknown").await;
    let (status, _) = bind(&service, &operator(), &clicked, "user1").await;
    assert_eq!(status, StatusCode::OK);
    service.stop().await;
}

pub fn brand_actor(brand: &str) -> Actor {
    Actor {
        subject: brand.to_owned(),
        roles: vec!["brand".to_owned()],
        partner_id: None,
        brand_id: Some(brand.to_owned()),
    }
}

fn partner_actor(partner: &str) -> Actor {
    Actor {
        subject: partner.to_owned(),
        roles: vec!["partner".to_owned()],
        partner_id: Some(partner.to_owned()),
        brand_id: None,
    }
}

pub fn binding(click: &str, user: &str, actor: Actor) -> Message {
    let body = BindClickV1 {
        user_id: Some(user.to_owned()),
        visitor: None,
    };
    let mut message = message(Topic::TrackingCommands, click, click, body.into(), None);
    message.header.actor = Some(actor);
    message
}

async fn clicks_of_orders(service: &TestService) -> Vec<(String, Option<String>)> {
    let sql = "SELECT order_id, click_id FROM conversions ORDER BY order_id";
    let rows = sqlx::query_as(sql).fetch_all(service.pool()).await;
    rows.unwrap()
}

#[tokio::test]
async fn in_one_batch_what_comes_after_a_binding_is_decided_by_it_and_what_comes_before_is_not() {
    let service = start_distrusting().await;
    let clicked = click(&service, "lnk_1", "x").await;
    let messages = vec![
        reported("user1", "order1"),
        binding(&clicked, "user2", partner_actor(PARTNER)),
        binding(&clicked, "user2", brand_actor("brand2")),
        binding(&clicked, "user1", brand_actor(BRAND)),
        binding(&clicked, "user2", operator_actor()),
        reported("user1", "order2"),
        reported("user2", "order3"),
        // The same order as the first: it was decided by what was known then, and stays so.
        reported("user1", "order1"),
    ];
    service.deliver_all(Topic::TrackingCommands, messages).await;
    let expected = [
        ("order1", None),
        ("order2", Some(clicked)),
        ("order3", None),
    ];
    let expected = expected.map(|(order, click)| (order.to_owned(), click));
    assert_eq!(clicks_of_orders(&service).await, expected);
    service.stop().await;
}

#[tokio::test]
async fn what_a_redirect_says_counts_where_the_campaign_allows_it_and_no_longer_once_it_does_not() {
    let mut service = start_with_link().await;
    let believed = click(&service, "lnk_1", "user1").await;
    let answer = report_as(&service, "attributed", &purchase("user1", "10")).await;
    assert_eq!(answer["click_id"], json!(believed));
    let changed = CampaignChangedV1 {
        brand_id: BRAND.parse().unwrap(),
        name: "Changed".to_owned(),
        description: None,
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        landing_url: None,
        starts_at: None,
        ends_at: None,
        budget: None,
        join: JoinMode::Open,
        trusts_redirects: None,
    };
    deliver(&mut service, CAMPAIGN, CAMPAIGN, changed.into()).await;
    until("redirects are believed no more", || async {
        click(&service, "lnk_1", "passer-by").await;
        let row = "SELECT user_hash IS NULL FROM clicks ORDER BY clicked_at DESC, id DESC LIMIT 1";
        let row = sqlx::query_scalar(row).fetch_one(service.pool()).await;
        row.unwrap()
    })
    .await;
    service.stop().await;
}
