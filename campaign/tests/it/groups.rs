//! A brand's groups, and who is in which.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use messaging::Answer;
use runtime::testing::{self, TestService};
use schemas::{Actor, Body, CreateGroupV1, Topic};
use serde_json::{Value, json};
use types::GroupId;

use crate::app::{self, CAMPAIGNS};

const GROUPS: &str = "/api/v1/campaign/groups";
const PARTNERS: &str = "/api/v1/campaign/partners";

#[tokio::test]
async fn a_brand_makes_groups_moves_partners_and_archives_and_who_is_in_none_is_in_the_default_one()
{
    let service = app::start().await;
    let (shop, stranger) = (testing::brand("brand1"), testing::brand("brand2"));
    app::active_campaign(&service, "camp1").await;
    for who in ["partner1", "partner2"] {
        let (path, token) = (format!("{CAMPAIGNS}/camp1/accept"), testing::partner(who));
        app::post(&service, &path, &token, &app::yes(), StatusCode::CREATED).await;
    }
    let list = app::get(&service, GROUPS, &shop).await;
    let default = list["items"][0].clone();
    assert_eq!(
        (&default["is_default"], &default["name"]),
        (&json!(true), &Value::Null)
    );
    let default = default["group_id"].as_str().unwrap().to_owned();
    let body = json!({"name": "Gold", "link_limit": 2});
    let made = app::post(&service, GROUPS, &shop, &body, StatusCode::CREATED).await;
    let gold = made["group_id"].as_str().unwrap().to_owned();
    let path = format!("{GROUPS}/{gold}");
    let seen = app::get(&service, &path, &shop).await;
    assert_eq!(
        (
            &seen["name"],
            &seen["link_limit"],
            &seen["is_default"],
            &seen["status"]
        ),
        (&json!("Gold"), &json!(2), &json!(false), &json!("active"))
    );
    others_read_none_of_it(&service, &path).await;
    let put = format!("{PARTNERS}/partner1/group");
    let body = json!({"group_id": gold});
    app::post(&service, &put, &shop, &body, StatusCode::OK).await;
    let again = app::post(&service, &put, &shop, &body, StatusCode::CONFLICT).await;
    assert_eq!(again["code"], "already_in_group");
    let refused = app::post(&service, &put, &stranger, &body, StatusCode::NOT_FOUND).await;
    assert_eq!(refused["code"], "group_unknown");

    let members = async |query: String, token: &str| {
        let page = app::get(&service, &format!("{PARTNERS}?{query}"), token).await;
        let items = page["items"].as_array().unwrap().iter();
        let id = |item: &Value| item["partner_id"].as_str().unwrap().to_owned();
        items.map(id).collect::<Vec<_>>()
    };
    let of = |group: &str| format!("group_id={group}");
    assert_eq!(members(of(&gold), &shop).await, ["partner1"]);
    assert_eq!(members(of(&default), &shop).await, ["partner2"]);
    let as_shop = format!("{}&brand_id=brand1", of(&gold));
    assert_eq!(
        members(as_shop.clone(), &testing::operator()).await,
        ["partner1"]
    );
    assert_eq!(members(of(&gold), &testing::operator()).await, ["partner1"]);
    let (status, _) = service
        .get(&format!("{PARTNERS}?{as_shop}"), &stranger)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let one = app::get(&service, &format!("{PARTNERS}/partner1"), &shop).await;
    assert_eq!(one["group_id"], gold.as_str());
    let own = app::get(
        &service,
        &format!("{PARTNERS}/partner1"),
        &testing::partner("partner1"),
    )
    .await;
    assert_eq!(own["group_id"], Value::Null);

    let archive = json!({"status": "archived"});
    let (status, _) = service.patch(&path, &shop, &archive).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(members(of(&default), &shop).await, ["partner2", "partner1"]);
    let (status, refused) = service
        .patch(&format!("{GROUPS}/{default}"), &shop, &archive)
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("default_group"))
    );
    let back = json!({"status": "active", "clear": ["link_limit"]});
    assert_eq!(service.patch(&path, &shop, &back).await.0, StatusCode::OK);
    assert_eq!(members(of(&gold), &shop).await, ["partner1"]);
    for body in [
        json!({}),
        json!({"link_limit": -1}),
        json!({"status": "gone"}),
        json!({"brand_id": "brand1"}),
    ] {
        assert_eq!(
            service.patch(&path, &shop, &body).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let tables = ["partners", "brands", "groups", "memberships"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

/// Groups are their brand's and operators' alone.
async fn others_read_none_of_it(service: &TestService, group: &str) {
    let (other, partner) = (testing::brand("brand2"), testing::partner("partner1"));
    let named = format!("{GROUPS}?brand_id=brand1");
    for path in [group, named.as_str()] {
        let (status, _) = service.get(path, &other).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        let (status, _) = service.get(path, &partner).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_brand_has_a_thousand_groups_at_most_also_where_two_are_made_at_once() {
    let service = app::start().await;
    let (shop, other) = (testing::brand("brand1"), testing::brand("brand2"));
    let body = json!({"name": "Gold"});
    app::post(&service, GROUPS, &shop, &body, StatusCode::CREATED).await;
    // With its default one it has two. Those that are archived count.
    sqlx::query(
        "INSERT INTO groups (id, position, number, brand_id, status, created_at)
         SELECT 'grp_' || md5(n::text), -n, -n, 'brand1', 'archived', 0 FROM generate_series(1, 997) n",
    )
    .execute(service.pool())
    .await
    .unwrap();
    let create = || {
        let topic = Topic::CampaignCommands;
        let body = Body::CreateGroupV1(CreateGroupV1 {
            name: "Silver".to_owned(),
            link_limit: None,
        });
        let mut message = testing::message(topic, "brand1", "", body, None);
        message.header.subject = GroupId::of_command(message.header.id).to_string();
        message.header.actor = Some(Actor {
            subject: "brand1".to_owned(),
            roles: vec!["brand".to_owned()],
            partner_id: None,
            brand_id: Some("brand1".to_owned()),
        });
        message
    };
    let both = vec![create(), create()];
    let answers = service.deliver_all(Topic::CampaignCommands, both).await;
    let [Answer::Done(_), Answer::Rejected { code, .. }] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(code, "too_many_groups");
    let refused = app::post(&service, GROUPS, &shop, &body, StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "too_many_groups");
    app::post(&service, GROUPS, &other, &body, StatusCode::CREATED).await;
    service.stop().await;
}

#[tokio::test]
async fn the_first_that_a_brand_does_may_be_to_make_a_group_and_its_default_one_stands_before_that()
{
    let service = app::start().await;
    let shop = testing::brand("brand1");
    let body = json!({"name": "Gold"});
    let made = app::post(&service, GROUPS, &shop, &body, StatusCode::CREATED).await;
    let first = app::get(&service, &format!("{GROUPS}?limit=1"), &shop).await;
    assert_eq!(first["items"][0]["group_id"], made["group_id"]);
    let next = first["next_cursor"].as_str().unwrap();
    let path = format!("{GROUPS}?limit=1&cursor={next}");
    let second = app::get(&service, &path, &shop).await;
    assert_eq!(second["items"][0]["is_default"], true);
    assert_eq!(second["next_cursor"], Value::Null);
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &["brands", "groups"])
        .await;
    service.stop().await;
}
