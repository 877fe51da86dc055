//! What becomes of links after they were made.

use std::time::Instant;

use axum::http::StatusCode;
use runtime::testing::{TestService, assert_within_a_second, brand, operator, partner};
use serde_json::{Value, json};
use tracking::{MIGRATIONS, Tracking};

use crate::app::*;
use crate::stopping::{
    FALLBACK, TARGET, clicks, closed, leads_to, location, of_campaign,
    two_processes_that_remember_a_link,
};

const SALE: &str = "https://shop.example/sale?";
const LINK: &str = "/api/v1/tracking/links/lnk_1";

fn retarget() -> Value {
    json!({"target_url": "https://shop.example/sale"})
}

fn becomes(status: &str) -> Value {
    json!({"status": status})
}

async fn change(service: &TestService, token: &str, body: &Value) -> Value {
    let (status, answer) = service.patch(LINK, token, body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

async fn refused_change(service: &TestService, token: &str, body: &Value) -> (u16, String) {
    let (status, answer) = service.patch(LINK, token, body).await;
    let code = answer["code"].as_str().unwrap().to_owned();
    (status.as_u16(), code)
}

#[tokio::test]
async fn a_disabled_link_leads_to_the_fallback_page_counts_no_click_and_earlier_clicks_count() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let shown = change(&service, &partner(PARTNER), &becomes("disabled")).await;
    assert_eq!(
        (&shown["status"], &shown["disabled_by"]),
        (&json!("disabled"), &json!("partner"))
    );
    assert_eq!(shown["target_url"], TARGET);
    leads_to(&service, FALLBACK).await;
    let before = clicks(&service).await;
    assert_eq!(location(&service, "lnk_1").await, FALLBACK);
    assert_eq!(clicks(&service).await, before);
    let sold = report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    assert_eq!(sold["partner_id"], PARTNER);

    let shown = change(&service, &partner(PARTNER), &becomes("active")).await;
    assert_eq!(shown["disabled_by"], json!(null));
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    click(&service, "lnk_1", "user2").await;
    report_as(&service, "attributed", &order("user2", "o2", "10")).await;
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["links", "link_stops"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_changed_link_leads_to_its_new_target_and_is_listed_as_it_is() {
    let service = start_with_link().await;
    let (_, made) = service.get(LINKS, &partner(PARTNER)).await;
    let shown = change(&service, &partner(PARTNER), &retarget()).await;
    assert_eq!(shown["created_at"], made["items"][0]["created_at"]);
    leads_to(&service, SALE).await;
    create_link(&service, "lnk_2", CAMPAIGN, PARTNER).await;
    change(&service, &brand(BRAND), &becomes("disabled")).await;
    for (query, codes) in [
        ("", vec!["lnk_2", "lnk_1"]),
        ("?status=active", vec!["lnk_2"]),
        ("?status=disabled", vec!["lnk_1"]),
    ] {
        let (_, page) = service
            .get(&format!("{LINKS}{query}"), &partner(PARTNER))
            .await;
        let items = page["items"].as_array().unwrap();
        let found: Vec<_> = items.iter().map(|item| &item["code"]).collect();
        assert_eq!(found, codes, "{query}");
        let changed = items.iter().find(|item| item["code"] == "lnk_1");
        if let Some(changed) = changed {
            assert_eq!(changed, &change_of(&shown, "disabled", "brand"));
        }
    }
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["links", "link_stops"])
        .await;
    service.stop().await;
}

fn change_of(link: &Value, status: &str, by: &str) -> Value {
    with(with(link.clone(), "status", status), "disabled_by", by)
}

#[tokio::test]
async fn what_the_brand_disabled_only_the_brand_or_an_operator_enables() {
    let mut service = start_with_link().await;
    let (own, shop) = (partner(PARTNER), brand(BRAND));
    change(&service, &shop, &becomes("disabled")).await;
    leads_to(&service, FALLBACK).await;
    for (token, body, expected) in [
        (&own, becomes("active"), (403, "link_disabled")),
        (&own, becomes("disabled"), (409, "link_unchanged")),
        (&shop, retarget(), (403, "target_not_permitted")),
        (&own, json!({}), (422, "invalid_body")),
        (
            &own,
            json!({"target_url": "https://evil.example/"}),
            (422, "host_not_allowed"),
        ),
        (
            &partner("partner9"),
            becomes("active"),
            (404, "link_unknown"),
        ),
        (&brand("brand9"), becomes("active"), (404, "link_unknown")),
    ] {
        let refused = refused_change(&service, token, &body).await;
        assert_eq!((refused.0, refused.1.as_str()), expected, "{body}");
    }
    assert_eq!(location(&service, "lnk_1").await, FALLBACK);
    change(&service, &shop, &becomes("active")).await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    of_campaign(&mut service, closed()).await;
    change(&service, &own, &becomes("disabled")).await;
    for body in [becomes("active"), retarget()] {
        let refused = refused_change(&service, &operator(), &body).await;
        assert_eq!((refused.0, refused.1.as_str()), (409, "campaign_closed"));
    }
    service.stop().await;
}

#[tokio::test]
async fn a_changed_link_leads_to_its_new_target_at_every_process_within_a_second() {
    let (first, second) = two_processes_that_remember_a_link().await;
    let back = json!({"target_url": TARGET});
    let mut measured = Vec::new();
    for (body, page) in [
        (retarget(), SALE),
        (back.clone(), TARGET),
        (becomes("disabled"), FALLBACK),
        (becomes("active"), TARGET),
        (retarget(), SALE),
    ] {
        change(&first, &partner(PARTNER), &body).await;
        let changed = Instant::now();
        for process in [&first, &second] {
            leads_to(process, page).await;
        }
        measured.push(changed.elapsed());
    }
    assert_within_a_second(&measured);
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_link_adds_its_utm_parameters_and_its_sub_ids_are_kept_with_the_click() {
    let service = start_with_link().await;
    let utm = json!({"utm": {"source": "{partner_id}", "campaign": "{campaign_id}"}});
    change(&service, &partner(PARTNER), &utm).await;
    let expected = format!("{TARGET}&utm_source={PARTNER}&utm_campaign={CAMPAIGN}");
    leads_to(&service, &expected).await;
    let wrong = json!({"utm": {"source": "{visitor}"}});
    let (status, answer) = service.patch(LINK, &partner(PARTNER), &wrong).await;
    assert_eq!(
        (status.as_u16(), &answer["errors"][0]["pointer"]),
        (422, &json!("/utm/source"))
    );
    let url = format!(
        "{}/c/lnk_1?user_id=u&sub1=a.b~c&sub2=a%20b&sub3=&sub5=x&sub6=y",
        service.base_url
    );
    service.client.get(url).send().await.unwrap();
    let kept: Vec<Value> =
        sqlx::query_scalar("SELECT sub_ids FROM clicks WHERE sub_ids IS NOT NULL")
            .fetch_all(service.pool())
            .await
            .unwrap();
    assert_eq!(kept, [json!({"sub1": "a.b~c", "sub5": "x"})]);
    service.stop().await;
}

#[tokio::test]
async fn a_path_behind_a_code_leads_below_the_target_where_the_link_allows_it() {
    let service = start_with_link().await;
    let status = async |path: &str| {
        let url = format!("{}/c/{path}", service.base_url);
        let response = service.client.get(url).send().await.unwrap();
        response.status()
    };
    assert_eq!(status("lnk_1/shoes").await, StatusCode::NOT_FOUND);
    change(&service, &partner(PARTNER), &json!({"deep_paths": true})).await;
    runtime::testing::until("deep paths are allowed", || async {
        status("lnk_1/shoes").await == StatusCode::FOUND
    })
    .await;
    assert_eq!(
        location(&service, "lnk_1/shoes/red").await,
        "https://shop.example/p/shoes/red?a=b"
    );
    for path in ["lnk_1/%2e%2e/a", "lnk_1/a//b", "lnk_1/a%5cb", "lnk_9/shoes"] {
        assert_eq!(status(path).await, StatusCode::NOT_FOUND, "{path}");
    }
    change(&service, &partner(PARTNER), &becomes("disabled")).await;
    leads_to(&service, FALLBACK).await;
    assert_eq!(location(&service, "lnk_1/shoes").await, FALLBACK);
    service.stop().await;
}
