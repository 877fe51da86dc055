//! How often links were followed, by link and day.

use axum::http::StatusCode;
use chassis::time::{Day, now};
use runtime::testing::{TestService, brand, operator, partner};
use serde_json::{Value, json};

use crate::app::*;

const CLICKS: &str = "/api/v1/tracking/clicks";

/// A service with two links of the same partner, of which the first is followed twice today and both once tomorrow.
async fn followed() -> (TestService, Day) {
    let service = start_with_link().await;
    let second = json!({"campaign_id": CAMPAIGN, "target_url": "https://shop.example/p?a=b", "code": "second"});
    let (status, made) = service.post(LINKS, &partner(PARTNER), &second).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let today = Day::of(now());
    click(&service, "lnk_1", "one").await;
    click(&service, "lnk_1", "two").await;
    service.advance_clock(86_400).await;
    click(&service, "lnk_1", "one").await;
    click(&service, "second", "one").await;
    (service, today)
}

fn counts(page: &Value) -> Vec<(String, String, i64)> {
    let items = page["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items
        .map(|item| {
            (
                text(&item["day"]),
                text(&item["code"]),
                item["clicks"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn clicks_are_counted_by_link_and_day_the_newest_first_for_those_they_belong_to() {
    let (service, today) = followed().await;
    let tomorrow = Day(today.0 + 1);
    let [today, tomorrow] = [today, tomorrow].map(|day| day.to_string());
    let of = |day: &str, code: &str, clicks: i64| (day.to_owned(), code.to_owned(), clicks);
    let all = vec![
        of(&tomorrow, "second", 1),
        of(&tomorrow, "lnk_1", 1),
        of(&today, "lnk_1", 2),
    ];
    let both = format!("?from={today}&to={tomorrow}");
    for (who, query, expected) in [
        (partner(PARTNER), both.clone(), all.clone()),
        (brand(BRAND), both.clone(), all.clone()),
        (operator(), both.clone(), all.clone()),
        (operator(), format!("{both}&code=second"), all[..1].to_vec()),
        (operator(), format!("{both}&campaign_id=camp9"), vec![]),
        (operator(), format!("{both}&partner_id=partner9"), vec![]),
        (
            operator(),
            format!("?from={today}&to={today}"),
            all[2..].to_vec(),
        ),
        (partner("partner9"), both.clone(), vec![]),
        (brand("brand9"), both.clone(), vec![]),
    ] {
        let (status, page) = service.get(&format!("{CLICKS}{query}"), &who).await;
        assert_eq!(
            (status, counts(&page)),
            (StatusCode::OK, expected),
            "{query}"
        );
    }
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = service
            .get(&format!("{CLICKS}{both}&limit=1{cursor}"), &operator())
            .await;
        found.extend(counts(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, all);
    service.stop().await;
}

#[tokio::test]
async fn days_that_are_none_or_too_many_are_refused() {
    let service = start().await;
    for (query, parameter) in [
        ("from=2026-13-01", "from"),
        ("from=2026-1-1", "from"),
        ("to=yesterday", "to"),
        ("from=2026-03-02&to=2026-03-01", "from"),
        ("from=2026-01-01&to=2026-04-03", "from"),
        ("from=0001-01-01&to=9999-12-31", "from"),
    ] {
        let (status, problem) = service.get(&format!("{CLICKS}?{query}"), &operator()).await;
        assert_eq!(
            (status.as_u16(), &problem["errors"][0]["parameter"]),
            (400, &json!(parameter)),
            "{query}: {problem}"
        );
    }
    let widest = format!("{CLICKS}?from=2026-01-01&to=2026-04-02");
    assert_eq!(service.get(&widest, &operator()).await.0, StatusCode::OK);
    service.stop().await;
}

#[tokio::test]
async fn the_statement_of_a_click_is_not_planned_for_each_click() {
    let service = start_with_link().await;
    for _ in 0..60 {
        click(&service, "lnk_1", "user1").await;
    }
    let size = service.pool().size();
    let connections = (0..size).map(|_| service.pool().acquire());
    let mut connections = futures::future::try_join_all(connections).await.unwrap();
    let (mut kept, mut for_values, mut used) = (0, 0, 0);
    for connection in &mut connections {
        let plans: Option<(i64, i64)> = sqlx::query_as(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE E'\\nWITH t AS%'",
        )
        .fetch_optional(&mut **connection)
        .await
        .unwrap();
        let (generic, custom) = plans.unwrap_or_default();
        kept += generic;
        for_values += custom;
        used += i64::from(plans.is_some());
    }
    // The server tries five of the latter on each connection before it compares.
    assert!(
        kept > 0 && for_values <= 5 * used,
        "{kept}, {for_values} on {used}"
    );
    drop(connections);
    service.stop().await;
}
