//! A campaign is changed, and ends.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use chassis::time::{now, to_rfc3339};
use runtime::testing::{self, TestService, unmade_database, until, variables};
use schemas::Service;
use serde_json::{Value, json};
use types::Micros;

use crate::app::{self, CAMPAIGNS};

const CAMP1: &str = "/api/v1/campaign/campaigns/camp1";

/// A moment so many seconds from now.
pub fn in_seconds(seconds: i64) -> String {
    to_rfc3339(Micros(now().get() + seconds * 1_000_000))
}

async fn change(service: &TestService, body: Value, expected: StatusCode) -> Value {
    let (status, answer) = service.patch(CAMP1, &testing::brand("brand1"), &body).await;
    assert_eq!(status, expected, "{body}: {answer}");
    answer
}

async fn camp1(service: &TestService) -> Value {
    app::get(service, CAMP1, &testing::brand("brand1")).await
}

async fn pauses(service: &TestService) -> usize {
    let kinds = app::log_kinds(service).await;
    let paused = kinds.iter().filter(|kind| *kind == "campaign.paused.v1");
    paused.count()
}

async fn assert_folded(service: &TestService) {
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &["campaigns"])
        .await;
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name_and_takes_away_what_it_clears() {
    let service = app::start().await;
    let mut body = app::campaign("camp1");
    body["description"] = json!("Shoes.\nFor spring.");
    body["landing_url"] = json!("https://shop.example.com/shoes");
    body["starts_at"] = json!("2098-01-01T00:00:00Z");
    body["ends_at"] = json!("2099-01-01T00:00:00Z");
    body["budget"] = json!({"amount": "1000.50", "currency": "USD", "interval": "month"});
    let brand = testing::brand("brand1");
    let made = app::post(&service, CAMPAIGNS, &brand, &body, StatusCode::CREATED).await;
    let seen = camp1(&service).await;
    assert_eq!(seen, made);
    for what in [
        "description",
        "landing_url",
        "starts_at",
        "ends_at",
        "budget",
    ] {
        assert_eq!(seen[what], body[what], "{what}");
    }

    let name = json!({"name": "Boots", "join": "invite", "allowed_hosts": ["shop.example.com", "b.example.com"]});
    let changed = change(&service, name, StatusCode::OK).await;
    assert_eq!(changed["campaign_id"], "camp1");
    let mut expected = seen;
    expected["name"] = json!("Boots");
    expected["join"] = json!("invite");
    expected["allowed_hosts"] = json!(["shop.example.com", "b.example.com"]);
    assert_eq!(camp1(&service).await, expected);
    for (join, count) in [("invite", 1), ("open", 0)] {
        let path = format!("/api/v1/campaign/campaigns?join={join}");
        let (_, list) = service.get(&path, &testing::brand("brand1")).await;
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{join}");
    }
    let clear = json!({"clear": ["budget", "ends_at"], "starts_at": null, "landing_url": "https://b.example.com/"});
    change(&service, clear, StatusCode::OK).await;
    expected["budget"] = Value::Null;
    expected["ends_at"] = Value::Null;
    expected["landing_url"] = json!("https://b.example.com/");
    assert_eq!(camp1(&service).await, expected);
    assert_folded(&service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_change_that_says_nothing_or_cannot_be_is_refused_by_its_field() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    for (body, at) in [
        (json!({}), ""),
        (json!({"name": null}), ""),
        (json!({"clear": ["name"]}), "/clear/0"),
        (
            json!({"clear": ["budget"], "budget": {"amount": "1", "currency": "USD", "interval": "day"}}),
            "/clear",
        ),
        (
            json!({"budget": {"amount": "0", "currency": "USD", "interval": "day"}}),
            "/budget/amount",
        ),
        (
            json!({"budget": {"amount": "1.001", "currency": "USD", "interval": "day"}}),
            "/budget/amount",
        ),
        (
            json!({"budget": {"amount": "1", "currency": "USD", "interval": "week"}}),
            "/budget/interval",
        ),
        (json!({"allowed_hosts": []}), "/allowed_hosts"),
        (json!({"ends_at": "tomorrow"}), "/ends_at"),
        (json!({"currency": "EUR"}), "/currency"),
    ] {
        let refused = change(&service, body.clone(), StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["errors"][0]["pointer"], at, "{body}: {refused}");
    }
    for (body, code) in [
        (json!({"ends_at": "2020-01-01T00:00:00Z"}), "invalid_dates"),
        (
            json!({"fallback_url": "https://evil.example/"}),
            "host_not_allowed",
        ),
        (
            json!({"budget": {"amount": "1", "currency": "EUR", "interval": "day"}}),
            "currency_mismatch",
        ),
    ] {
        let refused = change(&service, body, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["code"], code, "{refused}");
    }
    let name = json!({"name": "Boots"});
    for stranger in [testing::brand("brand2"), testing::partner("partner1")] {
        let (status, _) = service.patch(CAMP1, &stranger, &name).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    service.stop().await;
}

#[tokio::test]
async fn when_its_end_comes_a_campaign_pauses_once_and_goes_on_when_its_brand_moves_that() {
    let database = unmade_database();
    let of_campaign = || variables(Service::Campaign, &database);
    let first = TestService::start_with::<CampaignDomain>(campaign::define, of_campaign()).await;
    let second = TestService::start_with::<CampaignDomain>(campaign::define, of_campaign()).await;
    app::active_campaign(&first, "camp1").await;
    let soon = json!({"ends_at": in_seconds(3_600)});
    change(&first, soon, StatusCode::OK).await;
    assert_eq!(camp1(&first).await["status"], "active");

    first.advance_clock(3_600).await;
    until("it has ended", || async {
        camp1(&second).await["pause_reason"] == "ended"
    })
    .await;
    // Who leads next finds nothing to do.
    first.stop().await;
    let brand = testing::brand("brand1");
    let resume = format!("{CAMP1}/resume");
    let refused = app::post(&second, &resume, &brand, &json!({}), StatusCode::CONFLICT).await;
    assert_eq!(refused["code"], "campaign_ended");
    change(&second, json!({"name": "Boots"}), StatusCode::OK).await;
    app::post(&second, &resume, &brand, &json!({}), StatusCode::CONFLICT).await;
    assert_eq!(pauses(&second).await, 1);

    let later = json!({"ends_at": in_seconds(2 * 3_600)});
    change(&second, later, StatusCode::OK).await;
    app::post(&second, &resume, &brand, &json!({}), StatusCode::OK).await;
    second.advance_clock(3_600).await;
    until("it has ended again", || async {
        camp1(&second).await["pause_reason"] == "ended"
    })
    .await;
    assert_eq!(pauses(&second).await, 2);
    assert_folded(&second).await;
    second.stop().await;
}

#[tokio::test]
async fn terms_of_the_future_are_listed_and_in_force_when_their_time_comes() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let (path, brand) = (format!("{CAMP1}/terms"), testing::brand("brand1"));
    let mut body = app::terms();
    body["window_days"] = json!(60);
    body["effective_at"] = json!(in_seconds(3_600));
    let published = app::post(&service, &path, &brand, &body, StatusCode::CREATED).await;
    let seen = |terms: &Value| {
        let of = |what: &str| terms[what].clone();
        json!([of("version"), of("in_force"), of("worsens")])
    };
    assert_eq!(seen(&published), json!([2, false, false]));
    body["text"] = json!("Be brief.");
    let published = app::post(&service, &path, &brand, &body, StatusCode::CREATED).await;
    assert_eq!(seen(&published), json!([3, false, true]));
    assert_eq!(published["text_hash"].as_str().unwrap().len(), 64);

    let partner = testing::partner("partner1");
    let accept = format!("{CAMP1}/accept");
    let accepted = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;
    assert_eq!(accepted["terms_version"], 1);
    assert_eq!(camp1(&service).await["terms_version"], 1);
    service.advance_clock(3_600).await;
    assert_eq!(camp1(&service).await["terms_version"], 3);
    let list = app::get(&service, &path, &brand).await;
    let list: Vec<Value> = list["items"].as_array().unwrap().iter().map(seen).collect();
    assert_eq!(
        list,
        [
            json!([3, true, true]),
            json!([2, false, false]),
            json!([1, false, false])
        ]
    );
    let accepted = app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;
    assert_eq!(accepted["terms_version"], 3);
    let tables = ["campaigns", "terms", "plans", "enrollments"];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn terms_that_were_scheduled_by_mistake_are_taken_back() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let (path, brand) = (format!("{CAMP1}/terms"), testing::brand("brand1"));
    let hour = in_seconds(3_600);
    let publish = async |bps: i32, from: &str| {
        let mut body = app::terms();
        body["plan"]["sale"]["bps"] = json!(bps);
        body["effective_at"] = json!(from);
        let published = app::post(&service, &path, &brand, &body, StatusCode::CREATED).await;
        (published["version"].clone(), published["worsens"].clone())
    };
    assert_eq!(publish(9_000, &hour).await, (json!(2), json!(false)));
    assert_eq!(publish(1_100, &hour).await, (json!(3), json!(false)));
    assert_eq!(publish(900, &hour).await, (json!(4), json!(true)));
    // Sooner, and the one after it is held against it.
    let sooner = in_seconds(1_800);
    assert_eq!(publish(1_200, &sooner).await, (json!(5), json!(false)));
    assert_eq!(publish(1_100, &hour).await, (json!(6), json!(true)));
    for (seconds, in_force) in [(0, 1), (1_800, 5), (1_800, 6)] {
        service.advance_clock(seconds).await;
        assert_eq!(camp1(&service).await["terms_version"], in_force);
    }
    service.stop().await;
}
