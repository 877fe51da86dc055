//! Who sees what.

use axum::http::StatusCode;
use runtime::testing::{brand, operator, partner};
use serde_json::Value;

use crate::app::*;

fn orders(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["order_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn partners_and_brands_see_their_own_and_operators_everything() {
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &["partner9"]).await;
    create_link(&service, "lnk_2", "camp200", "partner9").await;
    click(&service, "lnk_1", "user1").await;
    click(&service, "lnk_2", "user2").await;
    let mine = report_as(&service, "attributed", &order("user1", "o1", "1")).await;
    report_as(&service, "attributed", &order("user2", "o2", "2")).await;
    let lost = report_as(&service, "unattributed", &order("user3", "o3", "3")).await;
    for (token, query, expected) in [
        (operator(), "", vec!["o3", "o2", "o1"]),
        (operator(), "?standing=attributed", vec!["o2", "o1"]),
        (operator(), "?order_id=o3", vec!["o3"]),
        (brand(BRAND), "", vec!["o2", "o1"]),
        (brand(BRAND), "?campaign_id=camp200", vec!["o2"]),
        (partner(PARTNER), "", vec!["o1"]),
        (partner(PARTNER), "?partner_id=partner9", vec![]),
        (brand("brand9"), "", vec![]),
    ] {
        let (status, page) = service.get(&format!("{CONVERSIONS}{query}"), &token).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(orders(&page), expected, "{query}");
    }
    let path = |answer: &Value| {
        format!(
            "{CONVERSIONS}/{}",
            answer["conversion_id"].as_str().unwrap()
        )
    };
    assert_eq!(service.get(&path(&mine), &partner(PARTNER)).await.0, 200);
    assert_eq!(service.get(&path(&mine), &brand(BRAND)).await.0, 200);
    assert_eq!(service.get(&path(&mine), &partner("partner9")).await.0, 404);
    assert_eq!(service.get(&path(&lost), &partner(PARTNER)).await.0, 404);
    let (_, links) = service.get(LINKS, &partner("partner9")).await;
    assert_eq!(links["items"].as_array().unwrap().len(), 1);
    assert_eq!(links["items"][0]["code"], "lnk_2");
    service.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let service = start_with_link().await;
    for number in 0..5 {
        let body = order("nobody", &format!("o{number}"), "1");
        report_as(&service, "unattributed", &body).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{CONVERSIONS}?limit=2{cursor}");
        let (_, page) = service.get(&path, &operator()).await;
        seen.extend(orders(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["o4", "o3", "o2", "o1", "o0"]);
    service.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_at_every_read() {
    let service = crate::app::start().await;
    service.pool().close().await;
    for path in [
        "/api/v1/tracking/conversions",
        "/api/v1/tracking/links",
        "/api/v1/tracking/conversions/0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
        "/api/v1/tracking/commands/0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
    ] {
        let (status, problem) = service.get(path, &runtime::testing::operator()).await;
        assert_eq!(status.as_u16(), 503, "{path}: {problem}");
        assert_eq!(problem["code"], "database_unavailable", "{path}");
    }
}
