//! Partners and brands themselves, for whom they are to see and to change.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use messaging::transport::Peers;
use messaging::transport::http::InternalKey;
use runtime::testing::{self, TestService};
use schemas::Service;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{self, CAMPAIGNS};

const PARTNERS: &str = "/api/v1/campaign/partners";
const BRANDS: &str = "/api/v1/campaign/brands";

async fn patch(service: &TestService, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    service.patch(path, token, &body).await
}

async fn count(service: &TestService, path: &str, token: &str) -> usize {
    let page = app::get(service, path, token).await;
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_partner_has_a_record_that_it_changes_and_the_brands_that_it_works_for_read() {
    let service = app::start().await;
    let (own, shop) = (testing::partner("partner1"), testing::brand("brand1"));
    let path = format!("{PARTNERS}/partner1");
    let new = app::get(&service, &path, &own).await;
    assert_eq!(
        (&new["status"], &new["name"], &new["first_seen_at"]),
        (&json!("active"), &Value::Null, &Value::Null)
    );
    assert_eq!(service.get(&path, &shop).await.0, StatusCode::NOT_FOUND);

    app::active_campaign(&service, "camp1").await;
    let accept = format!("{CAMPAIGNS}/camp1/accept");
    app::post(&service, &accept, &own, &app::yes(), StatusCode::CREATED).await;
    let seen = app::get(&service, &path, &shop).await;
    assert_eq!(
        (&seen["name"], &seen["status"]),
        (&Value::Null, &json!("active"))
    );
    assert!(seen["first_seen_at"].is_string());

    let body = json!({"name": "Sole Reviews", "country": "DE", "currency": "EUR", "website": "https://sole.example"});
    let (status, changed) = patch(&service, &path, &own, body).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let (status, _) = patch(
        &service,
        &path,
        &own,
        json!({"clear": ["currency"], "country": "AT"}),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let seen = app::get(&service, &path, &shop).await;
    assert_eq!(
        (&seen["name"], &seen["website"], &seen["country"]),
        (
            &json!("Sole Reviews"),
            &json!("https://sole.example/"),
            &json!("AT")
        )
    );
    for (body, code) in [
        (json!({}), 422),
        (json!({"country": "XX"}), 422),
        (json!({"name": "a\u{0}b"}), 422),
        (json!({"clear": ["name"], "name": "n"}), 422),
        (json!({"clear": ["id"]}), 422),
        (json!({"nam": "n"}), 422),
    ] {
        let (status, answer) = patch(&service, &path, &own, body).await;
        assert_eq!(status.as_u16(), code, "{answer}");
    }
    for stranger in [testing::partner("partner2"), shop.clone()] {
        let (status, refused) = patch(&service, &path, &stranger, json!({"name": "n"})).await;
        assert_eq!(
            (status, &refused["code"]),
            (StatusCode::NOT_FOUND, &json!("partner_unknown"))
        );
    }
    for stranger in [testing::partner("partner2"), testing::brand("brand2")] {
        assert_eq!(service.get(&path, &stranger).await.0, StatusCode::NOT_FOUND);
    }
    let tables = ["campaigns", "enrollments", "partners", "brands"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn who_may_not_speak_for_a_partner_makes_no_key_for_it() {
    let service = app::start().await;
    let keys = async || testing::rows(service.pool(), "personal_keys").await.len();
    let (own, name) = (testing::partner("partner1"), json!({"name": "A name"}));
    let others = format!("{PARTNERS}/partner2");
    let (status, refusal) = patch(&service, &others, &own, name.clone()).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{refusal}");
    assert_eq!(keys().await, 0);
    let path = format!("{PARTNERS}/partner1");
    let (status, changed) = patch(&service, &path, &own, name).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!(keys().await, 1);
    service.stop().await;
}

/// As a process has it that was started without the lasting secret under which it is kept.
#[tokio::test]
async fn a_partner_whose_key_cannot_be_opened_is_made_no_other_and_is_to_come_again() {
    let service = app::start().await;
    let own = testing::partner("partner1");
    let path = format!("{PARTNERS}/partner1");
    let name = |name: &str| json!({ "name": name });
    let (status, changed) = patch(&service, &path, &own, name("A name")).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let other_secret = "UPDATE personal_keys SET kept = set_byte(kept, length(kept) - 1, get_byte(kept, length(kept) - 1) # 1)";
    let turn = async || {
        let done = sqlx::query(other_secret).execute(service.pool()).await;
        done.unwrap();
    };
    turn().await;
    let (status, refused) = patch(&service, &path, &own, name("Another")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("key"), "{refused}");
    turn().await;
    let (status, changed) = patch(&service, &path, &own, name("Another")).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    service.stop().await;
}

#[tokio::test]
async fn the_keys_of_partners_are_for_the_bff_and_notify_and_for_no_other_service() {
    let service = app::start().await;
    let (own, name) = (testing::partner("partner1"), json!({"name": "A name"}));
    let path = format!("{PARTNERS}/partner1");
    let (status, changed) = patch(&service, &path, &own, name).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let id: Uuid = sqlx::query_scalar("SELECT id FROM personal_keys")
        .fetch_one(service.pool())
        .await
        .unwrap();
    let question = json!({"ids": [id]});
    for (me, may) in [
        (Service::Bff, true),
        (Service::Notify, true),
        (Service::Tracking, false),
    ] {
        let peers = Peers {
            client: service.client.clone(),
            key: InternalKey::new(SecretString::from(testing::SECRET)),
            me,
            urls: BTreeMap::from([(Service::Campaign.name(), service.base_url.clone())]),
        };
        let path = "/internal/v1/personal-keys";
        let patience = Duration::from_mins(1);
        let answer = peers.ask::<Value>(Service::Campaign, path, &question, patience);
        let found = answer.await.is_ok_and(|it| it[0]["id"] == json!(id));
        assert_eq!(found, may, "{me:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_partner_or_brand_that_is_seen_first_in_a_token_gets_its_record_then() {
    let service = app::start().await;
    let operator = testing::operator();
    let records = async || {
        let (partners, brands) = (
            count(&service, PARTNERS, &operator).await,
            count(&service, BRANDS, &operator).await,
        );
        (partners, brands)
    };
    app::active_campaign(&service, "camp1").await;
    assert_eq!(records().await, (0, 1), "a campaign is made");
    let keys = json!({"scopes": ["reports.read"]});
    let path = "/api/v1/campaign/keys";
    let shop = testing::brand("brand2");
    app::post(&service, path, &shop, &keys, StatusCode::CREATED).await;
    assert_eq!(records().await, (0, 2), "an API key is made");
    let (path, shop) = ("/api/v1/campaign/groups", testing::brand("brand3"));
    let body = json!({"name": "Gold"});
    app::post(&service, path, &shop, &body, StatusCode::CREATED).await;
    assert_eq!(records().await, (0, 3), "a group is made");
    let (path, shop) = (format!("{BRANDS}/brand4"), testing::brand("brand4"));
    patch(&service, &path, &shop, json!({"currency": "EUR"})).await;
    assert_eq!(records().await, (0, 4), "it says what it is");

    let accept = format!("{CAMPAIGNS}/camp1/accept");
    let who = testing::partner("partner1");
    app::post(&service, &accept, &who, &app::yes(), StatusCode::CREATED).await;
    assert_eq!(records().await, (1, 4), "it joins");
    let (path, who) = (format!("{PARTNERS}/partner2"), testing::partner("partner2"));
    patch(&service, &path, &who, json!({"country": "DE"})).await;
    assert_eq!(records().await, (2, 4), "it says where it is");
    // Whoever is named by another has its record from then on, too.
    let (ban, shop) = (format!("{PARTNERS}/partner3/ban"), testing::brand("brand5"));
    let why = json!({"reason": "other"});
    app::post(&service, &ban, &shop, &why, StatusCode::OK).await;
    assert_eq!(
        records().await,
        (3, 5),
        "a brand bans one that it never met"
    );
    // What was refused names nobody.
    let stranger = testing::brand("brand6");
    let (status, _) = patch(&service, &path, &stranger, json!({"name": "n"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(records().await, (3, 5));
    let tables = ["partners", "brands", "groups"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_ban_by_a_brand_is_that_brands_alone_and_one_by_an_operator_is_everywhere() {
    let service = app::start().await;
    let (shop, other, operator) = (
        testing::brand("brand1"),
        testing::brand("brand2"),
        testing::operator(),
    );
    app::active_campaign(&service, "camp1").await;
    app::active_campaign_of(&service, &other, "camp2").await;
    let who = testing::partner("partner1");
    for campaign in ["camp1", "camp2"] {
        let accept = format!("{CAMPAIGNS}/{campaign}/accept");
        app::post(&service, &accept, &who, &app::yes(), StatusCode::CREATED).await;
    }
    let status = async |token: &str| {
        let path = format!("{PARTNERS}/partner1");
        app::get(&service, &path, token).await["status"].clone()
    };
    let seen = async || {
        [
            status(&shop).await,
            status(&other).await,
            status(&operator).await,
            status(&who).await,
        ]
    };
    assert_eq!(seen().await, ["active"; 4]);
    let (ban, unban) = (
        format!("{PARTNERS}/partner1/ban"),
        format!("{PARTNERS}/partner1/unban"),
    );
    let why = json!({"reason": "other"});
    app::post(&service, &ban, &shop, &why, StatusCode::OK).await;
    assert_eq!(seen().await, ["banned", "active", "active", "active"]);
    app::post(&service, &ban, &operator, &why, StatusCode::OK).await;
    assert_eq!(seen().await, ["banned"; 4]);
    app::post(&service, &unban, &operator, &json!({}), StatusCode::OK).await;
    assert_eq!(seen().await, ["banned", "active", "active", "active"]);
    app::post(&service, &unban, &shop, &json!({}), StatusCode::OK).await;
    assert_eq!(seen().await, ["active"; 4]);
    service.stop().await;
}

#[tokio::test]
async fn a_brand_learns_nothing_of_a_partner_by_inviting_it() {
    let service = app::start().await;
    let (shop, who) = (testing::brand("brand1"), testing::partner("partner1"));
    app::active_campaign(&service, "camp1").await;
    let path = format!("{PARTNERS}/partner1");
    let named = json!({"name": "Mia", "country": "DE"});
    assert_eq!(patch(&service, &path, &who, named).await.0, StatusCode::OK);
    let invite = format!("{CAMPAIGNS}/camp1/partners/partner1/invite");
    app::post(&service, &invite, &shop, &json!({}), StatusCode::OK).await;
    assert_eq!(service.get(&path, &shop).await.0, StatusCode::NOT_FOUND);
    assert_eq!(count(&service, PARTNERS, &shop).await, 0);
    let accept = format!("{CAMPAIGNS}/camp1/accept");
    app::post(&service, &accept, &who, &app::yes(), StatusCode::CREATED).await;
    assert_eq!(app::get(&service, &path, &shop).await["name"], "Mia");
    assert_eq!(count(&service, PARTNERS, &shop).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn partners_are_listed_to_brands_whose_campaigns_they_are_or_were_in_with_what_each_holds_of_them()
 {
    let service = app::start().await;
    let (shop, operator) = (testing::brand("brand1"), testing::operator());
    app::active_campaign(&service, "camp1").await;
    for (who, country) in [("partner1", "DE"), ("partner2", "FR"), ("partner3", "DE")] {
        let own = testing::partner(who);
        let path = format!("{PARTNERS}/{who}");
        patch(
            &service,
            &path,
            &own,
            json!({"country": country, "currency": "EUR"}),
        )
        .await;
        if who != "partner3" {
            let accept = format!("{CAMPAIGNS}/camp1/accept");
            app::post(&service, &accept, &own, &app::yes(), StatusCode::CREATED).await;
        }
    }
    let (leave, one) = (
        format!("{CAMPAIGNS}/camp1/leave"),
        testing::partner("partner1"),
    );
    app::post(&service, &leave, &one, &json!({}), StatusCode::OK).await;
    let ban = format!("{PARTNERS}/partner2/ban");
    let why = json!({"reason": "terms_violated"});
    app::post(&service, &ban, &shop, &why, StatusCode::OK).await;
    for (query, token, expected) in [
        ("", &shop, 2),
        ("?country=DE", &shop, 1),
        ("?status=banned", &shop, 1),
        ("?status=active", &shop, 1),
        ("", &operator, 3),
        // A brand's ban is that brand's.
        ("?status=banned", &operator, 0),
        ("", &one, 1),
        ("", &testing::brand("brand2"), 0),
    ] {
        let path = format!("{PARTNERS}{query}");
        assert_eq!(count(&service, &path, token).await, expected, "{path}");
    }
    let page = app::get(&service, PARTNERS, &shop).await;
    assert_eq!(
        page["items"][0]["currency"],
        Value::Null,
        "what it is paid in is its own affair"
    );
    assert_eq!(
        app::get(&service, PARTNERS, &one).await["items"][0]["currency"],
        "EUR"
    );
    app::post(&service, &ban, &operator, &why, StatusCode::OK).await;
    assert_eq!(
        count(&service, &format!("{PARTNERS}?status=banned"), &operator).await,
        1
    );
    service.stop().await;
}

#[tokio::test]
async fn a_brand_has_a_record_that_partners_read_once_they_may_find_a_campaign_of_it() {
    let service = app::start().await;
    let (shop, who) = (testing::brand("brand1"), testing::partner("partner1"));
    let path = format!("{BRANDS}/brand1");
    let (status, _) = patch(
        &service,
        &path,
        &shop,
        json!({"name": "Fleet Shoes", "currency": "EUR"}),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(service.get(&path, &who).await.0, StatusCode::NOT_FOUND);
    assert_eq!(count(&service, BRANDS, &who).await, 0);
    app::active_campaign(&service, "camp1").await;
    let seen = app::get(&service, &path, &who).await;
    assert_eq!(
        (&seen["name"], &seen["currency"]),
        (&json!("Fleet Shoes"), &Value::Null)
    );
    assert_eq!(count(&service, BRANDS, &who).await, 1);
    let own = app::get(&service, &path, &shop).await;
    assert_eq!(own["currency"], "EUR");
    let stranger = testing::brand("brand2");
    assert_eq!(service.get(&path, &stranger).await.0, StatusCode::NOT_FOUND);
    let (status, _) = patch(&service, &path, &stranger, json!({"name": "n"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let new = app::get(&service, &format!("{BRANDS}/brand2"), &stranger).await;
    assert_eq!(new["first_seen_at"], Value::Null);
    assert_eq!(count(&service, BRANDS, &testing::operator()).await, 1);
    service.stop().await;
}
