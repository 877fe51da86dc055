//! `GET /c/{code}`.

use axum::http::StatusCode;
use reqwest::Method;
use runtime::testing::{TestService, message, operator, unmade_database};
use schemas::{CreateLinkV1, Topic};
use serde_json::json;

use crate::app::*;

async fn clicks(service: &TestService) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM clicks")
        .fetch_one(service.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_click_is_committed_before_the_visitor_goes_on() {
    let service = start_with_link().await;
    let url = format!("{}/c/lnk_1", service.base_url);
    for clicked in 1..=3 {
        let response = service.client.get(&url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(clicks(&service).await, clicked);
    }
    // A look at the link is no visit.
    let response = service
        .client
        .request(Method::HEAD, &url)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["location"], "https://shop.example/p?a=b");
    assert_eq!(clicks(&service).await, 3);
    // Nor is what a browser fetches in case somebody opens it, which is not to be used in place of the visit.
    for (name, value) in [
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let request = service.client.get(&url).header(name, value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    assert_eq!(clicks(&service).await, 3);
    service.stop().await;
}

/// Where a partner posts a link, the platform's preview follows it first.
#[tokio::test]
async fn a_bot_that_names_itself_is_redirected_without_a_click_and_a_phone_whose_name_has_bot_in_it_counts()
 {
    let service = start_with_link().await;
    let url = format!("{}/c/lnk_1", service.base_url);
    let follow = async |agent: &str| {
        let request = service.client.get(&url).header("user-agent", agent);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND, "{agent}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let location = response.headers()["location"].to_str().unwrap();
        (location.contains("click_id="), clicks(&service).await)
    };
    for bot in [
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "WhatsApp/2.23.20.0 A",
    ] {
        assert_eq!(follow(bot).await, (false, 0), "{bot}");
    }
    let phone = "Mozilla/5.0 (Linux; Android 13; CUBOT_X18) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36";
    assert_eq!(follow(phone).await, (true, 1));
    service.stop().await;
}

#[tokio::test]
async fn many_visitors_at_once_each_get_a_click_of_their_own() {
    let service = start_with_link().await;
    // The link is remembered.
    click(&service, "lnk_1", "first").await;
    let visits = (0..64).map(|n| {
        let url = format!(
            "{}/c/lnk_1?user_id=user{n}&utm_source=mail",
            service.base_url
        );
        service.client.get(url).send()
    });
    let mut targets = std::collections::HashSet::new();
    for visit in futures::future::join_all(visits).await {
        let response = visit.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        targets.insert(response.headers()["location"].to_str().unwrap().to_owned());
    }
    assert_eq!(targets.len(), 64);
    assert_eq!(clicks(&service).await, 65);
    service.stop().await;
}

#[tokio::test]
async fn unknown_and_odd_codes_are_404_and_an_odd_visitor_400_and_nothing_is_written() {
    let service = start_with_link().await;
    for (path, status) in [
        ("/c/unknown", 404),
        ("/c/lnk_1%00", 400),
        ("/c/lnk_1?user_id=%ff%fe", 400),
        ("/c/%F0%9F%98%80", 404),
        ("/c/..%2F..%2Fetc", 404),
        ("/c/lnk_1?user_id=", 400),
        ("/c/lnk_1?user_id=a%00b", 400),
        ("/c/lnk_1?user_id=a&user_id=b", 400),
    ] {
        let url = format!("{}{path}", service.base_url);
        let response = service.client.get(url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        // The link may be there a second later: no cache is to keep that it is not.
        let kept = response.headers().get("cache-control");
        let expected = (status == 404).then_some("no-store");
        assert_eq!(kept.map(|it| it.to_str().unwrap()), expected, "{path}");
    }
    let long = format!("{}/c/{}", service.base_url, "a".repeat(65));
    assert_eq!(service.client.get(long).send().await.unwrap().status(), 404);
    let long = format!("{}/c/lnk_1?user_id={}", service.base_url, "a".repeat(129));
    assert_eq!(service.client.get(long).send().await.unwrap().status(), 400);
    assert_eq!(clicks(&service).await, 0);
    // What mail programs and networks add is not ours to judge.
    let url = format!("{}/c/lnk_1?utm_source=%ff%00&user_id=a", service.base_url);
    let response = service.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    service.stop().await;
}

/// A partner's tracker fills in what it likes.
#[tokio::test]
async fn a_sub_id_or_a_signature_in_a_bad_form_keeps_no_visitor_out() {
    let service = start_with_link().await;
    for query in [
        "sub1=a&sub1=b",
        "sub1=%ff",
        "sub1=%0a",
        "sub1=%0a&sub1=a",
        "sub1=%7Bkeyword%7D&sub1=a",
        "sub1=&sub1=a",
        "signature=x&signature=y",
        "signature=%ff&key_id=%0a&signed_at=%ff",
        "user_id=a&key_id=x&key_id=y&signed_at=%ff&signature=%0a",
    ] {
        let url = format!("{}/c/lnk_1?{query}", service.base_url);
        let response = service.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND, "{query}");
    }
    let kept: Vec<serde_json::Value> =
        sqlx::query_scalar("SELECT sub_ids FROM clicks WHERE sub_ids IS NOT NULL")
            .fetch_all(service.pool())
            .await
            .unwrap();
    let kept: Vec<_> = kept.iter().map(|subs| &subs["sub1"]).collect();
    assert_eq!(kept, ["a"; 4], "the first good one");
    service.stop().await;
}

#[tokio::test]
async fn with_the_database_away_a_signed_click_leads_on_and_counts_afterwards() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user0").await;
    // The clicks cannot be written: the link is known from before.
    sqlx::raw_sql("ALTER TABLE clicks RENAME TO clicks_away")
        .execute(service.pool())
        .await
        .unwrap();
    let signed = click(&service, "lnk_1", "user1").await;
    assert!(signed.starts_with("cls_"), "{signed}");
    sqlx::raw_sql("ALTER TABLE clicks_away RENAME TO clicks")
        .execute(service.pool())
        .await
        .unwrap();
    let bought = purchase("user1", "10");
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "no_click");
    let answer = report_as(
        &service,
        "attributed",
        &with(bought.clone(), "click_id", signed.clone()),
    )
    .await;
    assert_eq!(
        (&answer["partner_id"], &answer["click_id"]),
        (&json!(PARTNER), &json!(signed))
    );
    let mut forged = signed.into_bytes();
    forged[10] = if forged[10] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let answer = report_as(&service, "unattributed", &with(bought, "click_id", forged)).await;
    assert_eq!(answer["reason"], "click_unknown");
    service.stop().await;
}

#[tokio::test]
async fn without_database_and_memory_of_the_link_the_visitor_is_asked_to_come_again() {
    let service = start_with_link_and(&[("CLICK_PATIENCE_MS", "100")]).await;
    // It does not answer in time.
    let held = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";
    let mut holder = messaging::begin(service.pool(), held).await.unwrap();
    sqlx::raw_sql("LOCK TABLE links")
        .execute(&mut *holder)
        .await
        .unwrap();
    let url = format!("{}/c/lnk_1", service.base_url);
    let response = service.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    drop(holder);
    service.stop().await;
}

#[tokio::test]
async fn in_event_mode_the_edge_is_open_and_the_rest_is_closed() {
    let database_url = unmade_database();
    let mut variables = variables(&database_url);
    for (name, mode) in &mut variables {
        if name.ends_with("_SERVICE_MODE") {
            "event".clone_into(mode);
        }
    }
    // Nobody listens there: what travels by the broker waits.
    variables.insert(
        "PULSAR_SERVICE_URL".to_owned(),
        "pulsar://127.0.0.1:9".to_owned(),
    );
    let mut service = start_with(variables).await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    let link = CreateLinkV1 {
        campaign_id: CAMPAIGN.to_owned(),
        partner_id: PARTNER.to_owned(),
        target_url: "https://shop.example/p?a=b".to_owned(),
        utm: None,
        deep_paths: None,
    };
    let command = message(Topic::TrackingCommands, "lnk_1", "lnk_1", link.into(), None);
    service
        .deliver_all(Topic::TrackingCommands, vec![command])
        .await;
    click(&service, "lnk_1", "user1").await;
    assert_eq!(clicks(&service).await, 1);
    assert_eq!(
        report(&service, &purchase("user1", "1")).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        service.get(CONVERSIONS, &operator()).await.0,
        StatusCode::NOT_FOUND
    );
    service.stop().await;
}
