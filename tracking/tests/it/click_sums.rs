//! What is kept of how often links were followed says what the clicks say.

use std::collections::BTreeMap;

use api::ClicksQuestion;
use axum::http::StatusCode;
use chassis::time::now;
use runtime::testing::{TestService, brand, operator, partner, until};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use tracking::click_id;
use tracking::store::click_counts;
use types::{ClickId, Currency, LinkCode, Micros, Uuid};

use crate::app::*;

const OTHER_CAMPAIGN: &str = "camp2";
const OTHER_PARTNER: &str = "partner9";
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// A service whose three links, of two partners and two campaigns, are followed in five hours of three days.
async fn followed() -> TestService {
    let mut service = start().await;
    adopt(&mut service, CAMPAIGN, &[PARTNER, OTHER_PARTNER]).await;
    adopt_of(&mut service, "brand9", OTHER_CAMPAIGN, &[PARTNER]).await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    create_link(&service, "lnk_2", CAMPAIGN, OTHER_PARTNER).await;
    create_link(&service, "lnk_3", OTHER_CAMPAIGN, PARTNER).await;
    for (hours, codes) in [
        (0, &["lnk_1", "lnk_1", "lnk_2"] as &[&str]),
        (1, &["lnk_1", "lnk_3"]),
        (9, &["lnk_2"]),
        (20, &["lnk_1", "lnk_2", "lnk_3"]),
        (14, &["lnk_1"]),
    ] {
        service.advance_clock(hours * 3_600).await;
        for code in codes {
            click(&service, code, "user1").await;
        }
    }
    service
}

/// Everything before now is summed.
async fn sum_up(service: &TestService) {
    let to = summed_to(service).await;
    service.advance_clock(3_600).await;
    let clicked: i64 = sqlx::query_scalar("SELECT max(clicked_at) FROM clicks")
        .fetch_one(service.pool())
        .await
        .unwrap();
    until("all clicks are summed", || async {
        let now = summed_to(service).await;
        now > to && now > clicked
    })
    .await;
}

async fn summed_to(service: &TestService) -> i64 {
    sqlx::query_scalar("SELECT summed_to FROM click_horizon")
        .fetch_one(service.pool())
        .await
        .unwrap()
}

/// Clicks in the sums of links' days, of their quarters of an hour, of campaigns' days and of theirs.
async fn sums(service: &TestService) -> [i64; 4] {
    let mut all = [0; 4];
    for (sum, (table, quarters)) in all.iter_mut().zip([
        ("link_clicks", 96),
        ("link_clicks", 1),
        ("campaign_clicks", 96),
        ("campaign_clicks", 1),
    ]) {
        let sql = format!(
            "SELECT coalesce(sum(clicks), 0)::bigint FROM {table} WHERE quarters = {quarters}"
        );
        *sum = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(service.pool())
            .await
            .unwrap();
    }
    all
}

/// What a report may want to know.
fn questions() -> Vec<ClicksQuestion> {
    let today = now().0 / DAY * DAY;
    let days = |offset: i64, of: std::ops::Range<i64>| {
        of.map(|day| today + day * DAY + offset).collect::<Vec<_>>()
    };
    let spans = [
        days(0, -1..5),
        // A time zone with quarters of an hour.
        days(5 * HOUR + HOUR / 4, -2..6),
        vec![today - DAY, today + 5 * DAY],
        vec![today + 2 * HOUR, today + 3 * DAY - HOUR],
        // Within a day, and within a quarter of an hour.
        vec![now().0 / HOUR * HOUR, now().0 / HOUR * HOUR + HOUR],
        vec![now().0 - HOUR - 1, now().0 + DAY + 1],
    ];
    let asks: [fn(&mut ClicksQuestion); 10] = [
        |it| it.by_campaign = true,
        |it| it.by_partner = true,
        |it| it.by_brand = true,
        |it| it.by_link = true,
        |it| it.campaign_id = Some(OTHER_CAMPAIGN.parse().unwrap()),
        |it| it.partner_id = Some(OTHER_PARTNER.parse().unwrap()),
        |it| it.brand_id = Some("brand9".parse().unwrap()),
        |it| it.code = Some("lnk_1".parse().unwrap()),
        |it| it.currency = Some(Currency::USD),
        |_| {},
    ];
    let scopes: [fn(&mut ClicksQuestion); 3] = [
        |it| it.all = true,
        |it| it.own_partner = Some(PARTNER.parse().unwrap()),
        |it| it.own_brand = Some(BRAND.parse().unwrap()),
    ];
    let mut questions = Vec::new();
    for boundaries in &spans {
        for ask in asks {
            for scope in scopes {
                let mut question = ClicksQuestion {
                    boundaries: boundaries.clone(),
                    limit: 100,
                    ..ClicksQuestion::default()
                };
                ask(&mut question);
                scope(&mut question);
                questions.push(question);
            }
        }
    }
    questions
}

async fn answers(
    service: &TestService,
    questions: &[ClicksQuestion],
) -> Vec<BTreeMap<String, i64>> {
    let mut answers = Vec::new();
    for question in questions {
        let counted = click_counts::between(service.pool(), question)
            .await
            .unwrap();
        let rows = counted.into_iter().map(|row| {
            let of = (
                row.span,
                row.currency,
                row.campaign_id,
                row.partner_id,
                row.brand_id,
                row.code,
            );
            (format!("{of:?}"), row.clicks)
        });
        answers.push(rows.collect());
    }
    answers
}

/// All pages of those lists that may be asked for.
async fn lists(service: &TestService) -> Vec<Vec<Value>> {
    let mut lists = Vec::new();
    for who in [
        operator(),
        partner(PARTNER),
        partner(OTHER_PARTNER),
        brand(BRAND),
    ] {
        for query in [
            "limit=1",
            "limit=2&code=lnk_1",
            "limit=2&campaign_id=camp2",
            "limit=50",
        ] {
            let mut rows = Vec::new();
            let mut cursor = String::new();
            loop {
                let path = format!("/api/v1/tracking/clicks?{query}{cursor}");
                let (status, page) = service.get(&path, &who).await;
                assert_eq!(status, StatusCode::OK, "{page}");
                rows.extend(page["items"].as_array().unwrap().clone());
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            lists.push(rows);
        }
    }
    lists
}

#[tokio::test]
async fn clicks_that_are_summed_are_counted_as_those_that_are_not() {
    let service = followed().await;
    let questions = questions();
    let before = (answers(&service, &questions).await, lists(&service).await);
    let counted = before.0.iter().filter(|it| !it.is_empty()).count();
    assert!(counted > questions.len() / 2, "most ask about nothing");
    sum_up(&service).await;
    assert_eq!(sums(&service).await, [10; 4]);
    let after = (answers(&service, &questions).await, lists(&service).await);
    for (question, (after, before)) in questions.iter().zip(after.0.iter().zip(&before.0)) {
        assert_eq!(after, before, "{question:?}");
    }
    assert_eq!(after.1, before.1);
    // What comes now is in the same days and hours.
    click(&service, "lnk_1", "user1").await;
    let whole = ClicksQuestion {
        boundaries: vec![0, 4_000_000_000_000_000],
        all: true,
        limit: 1,
        ..ClicksQuestion::default()
    };
    let clicks = answers(&service, std::slice::from_ref(&whole)).await;
    assert_eq!(clicks[0].values().sum::<i64>(), 11);
    for (currency, expected) in [(Currency::USD, 11), (Currency::EUR, 0)] {
        let of_currency = ClicksQuestion {
            currency: Some(currency),
            ..whole.clone()
        };
        let clicks = answers(&service, &[of_currency]).await;
        assert_eq!(clicks[0].values().sum::<i64>(), expected, "{currency:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_click_that_was_made_without_the_database_is_summed_once_whenever_it_is_bound() {
    let service = start_with_link().await;
    let code: LinkCode = "lnk_1".parse().unwrap();
    let (early, late) = (now(), Micros(now().0 + 1));
    let [early, late] = [early, late].map(|at| click_id::sign(&code, at).unwrap());
    let bind = async |click: &ClickId, user: &str| {
        let path = format!("/api/v1/tracking/clicks/{click}/visitor");
        let (status, answer) = service
            .post(&path, &brand(BRAND), &json!({"user_id": user}))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    };
    bind(&early, "user1").await;
    click(&service, "lnk_1", "user2").await;
    sum_up(&service).await;
    assert_eq!(sums(&service).await, [2; 4]);
    bind(&late, "user3").await;
    assert_eq!(sums(&service).await, [3; 4], "it came after the horizon");
    // Whose they are is said once more: both have rows by now.
    bind(&early, "user1").await;
    bind(&late, "user3").await;
    assert_eq!(sums(&service).await, [3; 4]);
    service.stop().await;
}

/// How often the horizon was read.
async fn looks(service: &TestService) -> i64 {
    let sql = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'click_horizon'";
    let looks = sqlx::query_scalar(sql).fetch_one(service.pool());
    looks.await.unwrap()
}

/// A connection of a process that logged in under the service's other role.
async fn of_another_role(service: &TestService) -> PgConnection {
    let name = format!("tracking_b_{}", Uuid::now_v7().simple());
    let create = format!("CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'b'");
    let create = sqlx::query(AssertSqlSafe(create)).execute(service.pool());
    create.await.unwrap();
    let options = service.pool().connect_options();
    let options = (*options).clone().username(&name).password("b");
    options.connect().await.unwrap()
}

#[tokio::test]
async fn a_click_whose_transaction_is_long_under_way_is_summed_when_it_comes() {
    for is_of_another_role in [false, true] {
        let service = start_with_link().await;
        click(&service, "lnk_1", "user1").await;
        let mut slow = if is_of_another_role {
            of_another_role(&service).await
        } else {
            service.pool().acquire().await.unwrap().detach()
        };
        for sql in [
            "BEGIN",
            "SET LOCAL idle_in_transaction_session_timeout = 0",
            "INSERT INTO clicks (clicked_at, id, link_code, campaign_id) SELECT clicked_at - 1, 'clk_slow', link_code, campaign_id FROM clicks",
        ] {
            sqlx::query(sql).execute(&mut slow).await.unwrap();
        }
        service.advance_clock(3_600).await;
        click(&service, "lnk_1", "user2").await;
        // What came before the transaction began may be summed meanwhile, and nothing else.
        let before = looks(&service).await;
        until("sums are looked at again", || async {
            looks(&service).await >= before + 3
        })
        .await;
        let summed = sums(&service).await;
        assert!(summed.iter().all(|clicks| *clicks <= 1), "{summed:?}");
        sqlx::query("COMMIT").execute(&mut slow).await.unwrap();
        sum_up(&service).await;
        assert_eq!(sums(&service).await, [3; 4]);
        service.stop().await;
    }
}
