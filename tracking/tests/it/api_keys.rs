//! API keys of brands at tracking's own HTTP.

use std::time::Instant;

use axum::http::StatusCode;
use chassis::auth::NewApiKey;
use runtime::testing::{
    TestService, assert_within_a_second, brand, operator, rows, unmade_database, until,
};
use schemas::{ApiKeyCreatedV1, ApiKeyRevokedV1, ApiKeyRotatedV1, Body, Topic};
use serde_json::json;
use tracking::{MIGRATIONS, Tracking};
use types::{ApiKeyScope, Micros};

use crate::app::*;

pub(crate) const KEY: &str = "key_1";

pub(crate) fn created(of: &str, made: &NewApiKey, scopes: &[ApiKeyScope]) -> Body {
    ApiKeyCreatedV1 {
        brand_id: of.parse().unwrap(),
        prefix: made.prefix().to_owned(),
        hash: made.hash().to_owned(),
        scopes: scopes.to_vec(),
        expires_at: None,
    }
    .into()
}

/// What campaign says of a key.
pub(crate) async fn of_key(service: &mut TestService, id: &str, body: Body) {
    service.deliver(Topic::CampaignEvents, id, id, body).await;
}

fn secret(made: &NewApiKey) -> String {
    made.shown_for(made.hash()).unwrap()
}

pub(crate) fn new() -> NewApiKey {
    NewApiKey::generate().unwrap()
}

/// The answer to a report without consequence by this key.
async fn seen(service: &TestService, key: &str) -> StatusCode {
    let body = json!({"user_id": "user1", "event_type": "seen"});
    service.post(EVENTS, key, &body).await.0
}

async fn answers(service: &TestService, key: &str, expected: StatusCode) {
    until(expected.as_str(), || async {
        seen(service, key).await == expected
    })
    .await;
}

#[tokio::test]
async fn a_key_reports_purchases_for_its_brand_and_does_nothing_else() {
    let mut service = start_with_link().await;
    let made = new();
    let write = [ApiKeyScope::ConversionsWrite];
    of_key(&mut service, KEY, created(BRAND, &made, &write)).await;
    let key = secret(&made);
    answers(&service, &key, StatusCode::CREATED).await;

    click(&service, "lnk_1", "user1").await;
    let (status, sold) = service
        .post(EVENTS, &key, &order("user1", "o1", "10"))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{sold}");
    assert_eq!(
        (&sold["outcome"], &sold["partner_id"]),
        (&json!("attributed"), &json!(PARTNER))
    );
    assert_eq!(see(&service, &sold).await["verified_by"], "brand");
    let log = service.log().await;
    let by = log.last().unwrap().header.actor.clone().unwrap();
    assert_eq!(by.subject, KEY);
    assert_eq!(
        (by.roles, by.brand_id),
        (vec!["brand".to_owned()], Some(BRAND.to_owned()))
    );

    for (path, says) in [
        (CONVERSIONS, "reports.read"),
        (CLAIMS, "reports.read"),
        (LINKS, "reports.read"),
        ("/api/v1/operator/tracking/audit", "for people"),
    ] {
        let (status, problem) = service.get(path, &key).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path} {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{path}: {detail}");
    }
    let disabled = json!({"status": "disabled"});
    let link = format!("{LINKS}/lnk_1");
    let (status, problem) = service.patch(&link, &key, &disabled).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(problem["detail"], "the API key lacks the scope links.write");
    service.stop().await;
}

#[tokio::test]
async fn a_key_sees_and_changes_what_is_its_brands_and_nothing_of_another() {
    let mut service = start_with_link().await;
    let (mine, others) = (new(), new());
    let all = ApiKeyScope::ALL;
    of_key(&mut service, KEY, created(BRAND, &mine, &all)).await;
    of_key(&mut service, "key_2", created("brand2", &others, &all)).await;
    click(&service, "lnk_1", "user1").await;
    report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    let (mine, others) = (secret(&mine), secret(&others));
    for (key, rows) in [(&mine, 1), (&others, 0)] {
        answers(&service, key, StatusCode::CREATED).await;
        let (status, listed) = service.get(CONVERSIONS, key).await;
        assert_eq!(status, StatusCode::OK, "{listed}");
        assert_eq!(listed["items"].as_array().unwrap().len(), rows, "{listed}");
    }
    let theirs = with(order("user1", "o2", "10"), "campaign_id", CAMPAIGN);
    let (status, problem) = service.post(EVENTS, &others, &theirs).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    let (link, disabled) = (format!("{LINKS}/lnk_1"), json!({"status": "disabled"}));
    let (status, _) = service.patch(&link, &others, &disabled).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, shown) = service.patch(&link, &mine, &disabled).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(shown["disabled_by"], "brand");
    service.stop().await;
}

#[tokio::test]
async fn what_is_no_key_opens_nothing_and_says_no_more_than_that() {
    let service = start().await;
    let unknown = secret(&new());
    for garbage in [
        unknown.as_str(),
        "trib_",
        "trib_0123abcd_",
        &unknown[..unknown.len() - 1],
        &"trib_".repeat(1_000),
    ] {
        let (status, problem) = service.get(LINKS, garbage).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{problem}");
        let detail = "the API key is unknown, revoked or expired";
        assert_eq!(problem["detail"], detail);
        assert!(!problem.to_string().contains(&unknown[14..]));
    }
    service.stop().await;
}

/// Two of tracking at one database, both of which know a key.
async fn two_processes_that_know(made: &NewApiKey) -> (TestService, TestService) {
    let database = unmade_database();
    let mut first = start_with(variables(&database)).await;
    let second = start_with(variables(&database)).await;
    let write = [ApiKeyScope::ConversionsWrite];
    of_key(&mut first, KEY, created(BRAND, made, &write)).await;
    for process in [&first, &second] {
        answers(process, &secret(made), StatusCode::CREATED).await;
    }
    (first, second)
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_at_any_process_within_a_second() {
    let made = new();
    let (mut first, second) = two_processes_that_know(&made).await;
    let mut measured = Vec::new();
    for round in 0..5 {
        let (other, id) = (new(), format!("key_of_round_{round}"));
        let (made, id) = if round == 0 {
            (&made, KEY)
        } else {
            let write = [ApiKeyScope::ConversionsWrite];
            of_key(&mut first, &id, created(BRAND, &other, &write)).await;
            (&other, id.as_str())
        };
        for process in [&first, &second] {
            answers(process, &secret(made), StatusCode::CREATED).await;
        }
        let brand_id = BRAND.parse().unwrap();
        of_key(&mut first, id, ApiKeyRevokedV1 { brand_id }.into()).await;
        let revoked = Instant::now();
        for process in [&first, &second] {
            answers(process, &secret(made), StatusCode::UNAUTHORIZED).await;
        }
        measured.push(revoked.elapsed());
    }
    assert_within_a_second(&measured);
    let kept = rows(first.pool(), "api_keys").await;
    assert!(!kept[0].contains(made.hash()), "{kept:?}");
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn another_secret_counts_at_every_process_and_that_of_before_as_long_as_was_said() {
    let (old, new, newest) = (new(), new(), new());
    let (mut first, second) = two_processes_that_know(&old).await;
    let rotated = |made: &NewApiKey, previous: Option<(&NewApiKey, Micros)>| -> Body {
        ApiKeyRotatedV1 {
            brand_id: BRAND.parse().unwrap(),
            prefix: made.prefix().to_owned(),
            hash: made.hash().to_owned(),
            scopes: vec![ApiKeyScope::ConversionsWrite],
            expires_at: None,
            previous_hash: previous.map(|(made, _)| made.hash().to_owned()),
            previous_until: previous.map(|(_, until)| until),
        }
        .into()
    };
    let now = messaging::clock::now();
    let later = now.checked_add_seconds(3_600).unwrap();
    of_key(&mut first, KEY, rotated(&new, Some((&old, later)))).await;
    for process in [&first, &second] {
        answers(process, &secret(&new), StatusCode::CREATED).await;
        assert_eq!(seen(process, &secret(&old)).await, StatusCode::CREATED);
    }
    let over = now.checked_add_seconds(-1).unwrap();
    of_key(&mut first, KEY, rotated(&newest, Some((&new, over)))).await;
    for process in [&first, &second] {
        answers(process, &secret(&newest), StatusCode::CREATED).await;
        for before in [&old, &new] {
            assert_eq!(
                seen(process, &secret(before)).await,
                StatusCode::UNAUTHORIZED
            );
        }
    }
    let brand_id = BRAND.parse().unwrap();
    of_key(&mut first, "key_2", created(BRAND, &old, &ApiKeyScope::ALL)).await;
    of_key(&mut first, "key_2", ApiKeyRevokedV1 { brand_id }.into()).await;
    let tables = ["api_keys", "api_key_changes"];
    first
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_key_that_expires_opens_nothing_from_then_on() {
    let mut service = start().await;
    let (soon, over) = (new(), new());
    let in_seconds = |seconds| messaging::clock::now().checked_add_seconds(seconds);
    for (id, made, expires_at) in [
        (KEY, &soon, in_seconds(10)),
        ("key_2", &over, in_seconds(-1)),
    ] {
        let body = ApiKeyCreatedV1 {
            brand_id: BRAND.parse().unwrap(),
            prefix: made.prefix().to_owned(),
            hash: made.hash().to_owned(),
            scopes: vec![ApiKeyScope::ConversionsWrite],
            expires_at,
        };
        of_key(&mut service, id, body.into()).await;
    }
    answers(&service, &secret(&soon), StatusCode::CREATED).await;
    assert_eq!(
        seen(&service, &secret(&over)).await,
        StatusCode::UNAUTHORIZED
    );
    answers(&service, &secret(&soon), StatusCode::UNAUTHORIZED).await;
    service.stop().await;
}

#[tokio::test]
async fn that_a_key_is_used_is_noted_once_a_minute_and_a_token_is_no_key() {
    let mut service = start().await;
    let made = new();
    let write = [ApiKeyScope::ConversionsWrite];
    of_key(&mut service, KEY, created(BRAND, &made, &write)).await;
    answers(&service, &secret(&made), StatusCode::CREATED).await;
    let noted = rows(service.pool(), "api_key_uses").await;
    assert_eq!(noted.len(), 1, "{noted:?}");
    for _ in 0..5 {
        seen(&service, &secret(&made)).await;
    }
    assert_eq!(rows(service.pool(), "api_key_uses").await, noted);
    // A token may still do all that its brand may.
    for token in [brand(BRAND), operator()] {
        assert_eq!(service.get(CONVERSIONS, &token).await.0, StatusCode::OK);
    }
    service.stop().await;
}

#[tokio::test]
async fn keys_are_remembered_anew_without_reading_all_that_were_revoked() {
    let mut service = start_with_link().await;
    for sql in [
        "INSERT INTO api_keys (id, brand_id, scopes, position) SELECT 'revoked' || n, 'brand2', '', -n FROM generate_series(1, 20000) n",
        "ANALYZE api_keys",
    ] {
        sqlx::query(sql).execute(service.pool()).await.unwrap();
    }
    let made = new();
    let write = [ApiKeyScope::ConversionsWrite];
    of_key(&mut service, KEY, created(BRAND, &made, &write)).await;
    let key = secret(&made);
    answers(&service, &key, StatusCode::CREATED).await;
    until("they are read by their index", || async {
        assert_eq!(seen(&service, &key).await, StatusCode::CREATED);
        let used = "SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = 'api_keys_not_revoked'";
        sqlx::query_scalar(used)
            .fetch_one(service.pool())
            .await
            .unwrap()
    })
    .await;
    service.stop().await;
}
