//! What is listed, in which pages, to whom.

use axum::http::StatusCode;
use runtime::testing::{self, TestService};
use serde_json::{Value, json};

use crate::app::{self, CAMPAIGNS, EVIDENCE};

fn ids(page: &Value, name: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    let id = |item: &Value| item[name].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

async fn draft(service: &TestService, token: &str, id: &str) {
    let body = app::campaign(id);
    app::post(service, CAMPAIGNS, token, &body, StatusCode::CREATED).await;
}

#[tokio::test]
async fn campaigns_come_newest_first_in_pages_that_join_without_gap_or_overlap() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    for n in 1..=5 {
        draft(&service, &brand, &format!("camp{n}")).await;
    }
    let (mut seen, mut path) = (Vec::new(), format!("{CAMPAIGNS}?limit=2"));
    for pages_left in (0..3).rev() {
        let page = app::get(&service, &path, &brand).await;
        seen.extend(ids(&page, "campaign_id"));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{CAMPAIGNS}?limit=2&cursor={cursor}"),
            None => assert_eq!(pages_left, 0, "the last page is the third"),
        }
    }
    assert_eq!(seen, ["camp5", "camp4", "camp3", "camp2", "camp1"]);
    service.stop().await;
}

#[tokio::test]
async fn a_brand_sees_its_own_campaigns_a_partner_the_active_ones_an_operator_all() {
    let service = app::start().await;
    let (one, two) = (testing::brand("brand1"), testing::brand("brand2"));
    app::active_campaign(&service, "open1").await;
    draft(&service, &one, "draft1").await;
    draft(&service, &two, "draft2").await;
    let list = async |query: &str, token: &str| {
        let page = app::get(&service, &format!("{CAMPAIGNS}{query}"), token).await;
        ids(&page, "campaign_id")
    };
    let (partner, operator) = (testing::partner("partner1"), testing::operator());
    assert_eq!(list("", &one).await, ["draft1", "open1"]);
    assert_eq!(list("", &two).await, ["draft2"]);
    assert_eq!(list("", &partner).await, ["open1"]);
    assert_eq!(list("", &operator).await, ["draft2", "draft1", "open1"]);
    assert_eq!(list("?status=draft", &operator).await, ["draft2", "draft1"]);
    assert_eq!(list("?status=draft", &partner).await, [""; 0]);
    assert_eq!(list("?brand_id=brand2", &operator).await, ["draft2"]);
    assert_eq!(list("?brand_id=brand2", &one).await, [""; 0]);
    service.stop().await;
}

#[tokio::test]
async fn every_version_of_the_terms_stays_readable_with_its_plan() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let second = json!({
        "text": "Be honest. Be brief.",
        "window_days": 7,
        "plan": {
            "sale": { "flat": { "amount": 5, "currency": "USD" } },
            "lead": { "flat": { "amount": "0.10", "currency": "USD" } },
            "hold_days": 30,
        },
    });
    let path = format!("{CAMPAIGNS}/camp1/terms");
    app::post(&service, &path, &brand, &second, StatusCode::CREATED).await;
    let page = app::get(&service, &path, &partner).await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["version"], 2);
    assert_eq!(items[0]["text"], "Be honest. Be brief.");
    assert_eq!(
        items[0]["plan"],
        json!({
            "sale": { "flat": { "amount": "5.00", "currency": "USD" } },
            "lead": { "flat": { "amount": "0.10", "currency": "USD" } },
            "hold_days": 30,
        })
    );
    assert_eq!(items[1]["version"], 1);
    assert_eq!(
        items[1]["plan"],
        json!({ "sale": { "bps": 1000 }, "lead": null, "hold_days": 0 })
    );
    let campaign = app::get(&service, &format!("{CAMPAIGNS}/camp1"), &partner).await;
    assert_eq!(campaign["terms_version"], 2);
    service.stop().await;
}

#[tokio::test]
async fn evidence_is_seen_by_who_showed_it_and_by_whose_campaign_it_is_for() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let partners = ["partner1", "partner2"];
    for partner in partners {
        let token = testing::partner(partner);
        let path = format!("{CAMPAIGNS}/camp1/accept");
        app::post(&service, &path, &token, &app::yes(), StatusCode::CREATED).await;
        app::post(
            &service,
            EVIDENCE,
            &token,
            &app::photo("camp1"),
            StatusCode::CREATED,
        )
        .await;
    }
    let list = async |query: &str, token: &str| {
        let page = app::get(&service, &format!("{EVIDENCE}{query}"), token).await;
        ids(&page, "partner_id")
    };
    let both = ["partner2", "partner1"];
    assert_eq!(list("", &testing::partner("partner1")).await, ["partner1"]);
    assert_eq!(list("", &testing::partner("partner3")).await, [""; 0]);
    assert_eq!(list("", &testing::brand("brand1")).await, both);
    assert_eq!(list("", &testing::brand("brand2")).await, [""; 0]);
    let operator = testing::operator();
    assert_eq!(list("?campaign_id=camp1", &operator).await, both);
    assert_eq!(list("?campaign_id=camp2", &operator).await, [""; 0]);
    assert_eq!(list("?partner_id=partner1", &operator).await, ["partner1"]);
    assert_eq!(list("?evidence_type=video", &operator).await, [""; 0]);
    let page = app::get(&service, EVIDENCE, &testing::partner("partner1")).await;
    assert_eq!(
        page["items"][0]["file_url"],
        "https://example.com/photo.jpg"
    );
    assert_eq!(
        page["items"][0]["metadata"],
        json!({ "description": "Product photo" })
    );
    service.stop().await;
}

#[tokio::test]
async fn a_list_refuses_parameters_that_it_does_not_know_and_tokens_that_see_nothing() {
    let service = app::start().await;
    let operator = testing::operator();
    for (path, parameter) in [
        (format!("{CAMPAIGNS}?colour=red"), "colour"),
        (format!("{CAMPAIGNS}?limit=0"), "limit"),
        (format!("{CAMPAIGNS}?limit=201"), "limit"),
        (format!("{CAMPAIGNS}?cursor=yesterday"), "cursor"),
        (format!("{CAMPAIGNS}?status=lost"), "status"),
        (format!("{CAMPAIGNS}?brand_id=a%20b"), "brand_id"),
        (format!("{EVIDENCE}?campaign_id=%00"), "campaign_id"),
        (format!("{EVIDENCE}?evidence_type=a%2Fb"), "evidence_type"),
    ] {
        let (status, problem) = service.get(&path, &operator).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
    }
    let both = testing::claims("both").partner("partner1").brand("brand1");
    for path in [CAMPAIGNS, EVIDENCE] {
        app::get(&service, path, &testing::mint(&both)).await;
    }
    let nobody = testing::mint(&testing::claims("nobody"));
    let (status, _) = service.get(CAMPAIGNS, &nobody).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    service.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_at_every_read() {
    let service = crate::app::start().await;
    service.pool().close().await;
    for path in [
        "/api/v1/campaign/campaigns",
        "/api/v1/campaign/campaigns/c",
        "/api/v1/campaign/commands/0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
    ] {
        let (status, problem) = service.get(path, &runtime::testing::operator()).await;
        assert_eq!(status.as_u16(), 503, "{path}: {problem}");
        assert_eq!(problem["code"], "database_unavailable", "{path}");
    }
}
