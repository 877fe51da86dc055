//! Clicks one by one, with the sub ids by which their partners find them.

use std::collections::HashSet;

use axum::http::StatusCode;
use runtime::testing::{TestService, brand, operator, partner};
use serde_json::{Value, json};

use crate::app::*;

const SINGLE: &str = "/api/v1/tracking/clicks/single";

/// Follows a link with this in its query; the click's id.
async fn follow(service: &TestService, code: &str, query: &str) -> String {
    let url = format!("{}/c/{code}?{query}", service.base_url);
    let response = service.client.get(url).send().await.unwrap();
    let location = response.headers()["location"].to_str().unwrap();
    let (_, click) = location.split_once("click_id=").unwrap();
    click.to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["click_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The ids of every page.
async fn pages(service: &TestService, query: &str, token: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{SINGLE}?{query}{cursor}");
        let (status, page) = service.get(&path, token).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        pages.push(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn of_a_visitor_that_is_being_erased_no_sub_id_is_shown_and_none_leads_to_its_click() {
    let service = start_with_link().await;
    let click = follow(&service, "lnk_1", "sub1=blog").await;
    let token = partner(PARTNER);
    let by_it = format!("{SINGLE}?sub1=blog");
    let (_, found) = service.get(&by_it, &token).await;
    assert_eq!(ids(&found), [&*click]);
    for sql in [
        "UPDATE clicks SET user_hash = sha256('guest')",
        "INSERT INTO erasures (user_hash, brand_id, until) SELECT c.user_hash, p.brand_id, c.clicked_at
           FROM clicks c JOIN campaigns p ON p.id = c.campaign_id",
    ] {
        sqlx::query(sql).execute(service.pool()).await.unwrap();
    }
    let (_, all) = service.get(SINGLE, &token).await;
    assert_eq!(ids(&all), [&*click]);
    assert_eq!(all["items"][0]["sub1"], Value::Null, "{all}");
    let (_, found) = service.get(&by_it, &token).await;
    assert!(ids(&found).is_empty(), "{found}");
    service.stop().await;
}

/// Clicks of `lnk_1` from the moment of its last one on, each so many microseconds after the one before it; the first has a sub id of its own.
async fn click_often(service: &TestService, clicks: i32, apart: i64) {
    sqlx::query(
        "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, sub_ids)
         SELECT m.at + n * $2, 'clk_' || lpad(to_hex(m.at + n * $2), 14, '0') || lpad(to_hex(n), 16, '0'), m.link_code, m.campaign_id,
                jsonb_build_object('sub1', CASE n WHEN 1 THEN 'rare' ELSE 'frequent' END)
           FROM generate_series(1, $1) n,
                (SELECT clicked_at AS at, link_code, campaign_id FROM clicks WHERE link_code = 'lnk_1' ORDER BY clicked_at DESC LIMIT 1) m",
    )
    .bind(clicks)
    .bind(apart)
    .execute(service.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn each_click_shows_its_sub_ids_to_its_partner_and_operators_and_is_found_by_them() {
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &["partner9"]).await;
    create_link(&service, "lnk_2", "camp200", "partner9").await;
    let blog = follow(&service, "lnk_1", "sub1=blog&sub5=x.y").await;
    let mail = follow(&service, "lnk_1", "sub1=mail").await;
    let none = follow(&service, "lnk_1", "user_id=user1").await;
    let theirs = follow(&service, "lnk_2", "sub1=blog").await;
    let own = vec![none.clone(), mail.clone(), blog.clone()];
    for (who, query, expected) in [
        (partner(PARTNER), "", own.clone()),
        (partner(PARTNER), "?code=lnk_1", own.clone()),
        (partner(PARTNER), "?code=lnk_2", vec![]),
        (partner(PARTNER), "?sub1=blog", vec![blog.clone()]),
        (partner(PARTNER), "?sub1=blog&sub5=x.y", vec![blog.clone()]),
        (partner(PARTNER), "?sub1=blog&sub5=x", vec![]),
        (partner(PARTNER), "?sub1=blo", vec![]),
        (partner(PARTNER), "?sub2=blog", vec![]),
        (partner("partner9"), "?sub1=blog", vec![theirs.clone()]),
        (
            operator(),
            "?partner_id=partner9&sub1=blog",
            vec![theirs.clone()],
        ),
        (operator(), "?code=lnk_1&sub1=mail", vec![mail.clone()]),
        (operator(), "?partner_id=partner123", own.clone()),
        (operator(), "?partner_id=partner123&sub1=%27", vec![]),
        (
            partner(PARTNER),
            "?from=2026-01-01&to=2026-01-31&sub1=blog",
            vec![],
        ),
    ] {
        let (status, page) = service.get(&format!("{SINGLE}{query}"), &who).await;
        assert_eq!((status, ids(&page)), (StatusCode::OK, expected), "{query}");
    }
    let (_, page) = service.get(SINGLE, &partner(PARTNER)).await;
    let shown = &page["items"][2];
    for (field, expected) in [
        ("click_id", json!(blog)),
        ("code", json!("lnk_1")),
        ("campaign_id", json!(CAMPAIGN)),
        ("partner_id", json!(PARTNER)),
        ("sub1", json!("blog")),
        ("sub2", Value::Null),
        ("sub5", json!("x.y")),
    ] {
        assert_eq!(shown[field], expected, "{field}");
    }
    assert_eq!(page["items"][0]["sub1"], Value::Null);
    service.stop().await;
}

#[tokio::test]
async fn single_clicks_are_no_brands_and_no_strangers_and_are_of_a_month_at_most() {
    let service = start_with_link().await;
    for (who, query, expected) in [
        (brand(BRAND), "", 403),
        (brand(BRAND), "?code=lnk_1", 403),
        (brand(BRAND), "?partner_id=partner123", 404),
        (partner("partner9"), "?partner_id=partner123", 404),
        (operator(), "?sub1=blog", 400),
        (partner(PARTNER), "?from=2026-01-01&to=2026-02-01", 400),
        (partner(PARTNER), "?from=2026-01-02&to=2026-01-01", 400),
        (partner(PARTNER), "?sub6=blog", 400),
    ] {
        let (status, page) = service.get(&format!("{SINGLE}{query}"), &who).await;
        assert_eq!(status.as_u16(), expected, "{query}: {page}");
    }
    service.stop().await;
}

#[tokio::test]
async fn pages_of_single_clicks_have_each_once_also_where_many_came_in_one_moment() {
    let service = start_with_link().await;
    follow(&service, "lnk_1", "sub1=frequent").await;
    click_often(&service, 8, 0).await;
    click_often(&service, 3, 1).await;
    for (query, expected) in [("limit=2", 12), ("limit=2&sub1=frequent", 10)] {
        let pages = pages(&service, query, &partner(PARTNER)).await;
        let (last, before) = pages.split_last().unwrap();
        assert!(before.iter().all(|page| page.len() == 2), "{pages:?}");
        assert!(last.len() <= 2, "{pages:?}");
        let all = pages.concat();
        let newest_first = all.is_sorted_by(|one, next| one > next);
        assert!(newest_first, "{query}: {all:?}");
        let each: HashSet<&String> = all.iter().collect();
        assert_eq!((all.len(), each.len()), (expected, expected), "{query}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_sub_id_that_few_have_is_looked_for_among_so_many_for_each_page() {
    let service = start_with_link().await;
    follow(&service, "lnk_1", "sub1=frequent").await;
    click_often(&service, 25_000, 1).await;
    for (who, query) in [
        (partner(PARTNER), "sub1=rare"),
        (operator(), "code=lnk_1&sub1=rare"),
    ] {
        let pages = pages(&service, query, &who).await;
        let found: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(found, [0, 0, 1], "{query}");
    }
    service.stop().await;
}
