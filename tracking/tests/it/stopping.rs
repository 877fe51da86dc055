//! What is stopped, and what counts all the same.

use std::time::Instant;

use axum::http::StatusCode;
use runtime::testing::{
    TestService, Way, assert_within_a_second, new_database, operator, unmade_database, until,
};
use schemas::{
    Body, CampaignChangedV1, CampaignClosedV1, CampaignPausedV1, CampaignResumedV1,
    EnrollmentEndedV1, PartnerBannedV1, PartnerUnbannedV1,
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tracking::{MIGRATIONS, Tracking};
use types::{BanId, BrandId, EnrollmentStatus, JoinMode, Micros, PauseReason, RefusalReason};

use crate::app::*;

pub const TARGET: &str = "https://shop.example/p?a=b";
pub const FALLBACK: &str = "https://shop.example/";

fn paused() -> Body {
    CampaignPausedV1 {
        brand_id: BRAND.parse().unwrap(),
        reason: PauseReason::Brand,
    }
    .into()
}

fn resumed() -> Body {
    CampaignResumedV1 {
        brand_id: BRAND.parse().unwrap(),
    }
    .into()
}

pub fn closed() -> Body {
    CampaignClosedV1 {
        brand_id: BRAND.parse().unwrap(),
    }
    .into()
}

fn ended(status: EnrollmentStatus) -> Body {
    let removed = status == EnrollmentStatus::Removed;
    EnrollmentEndedV1 {
        partner_id: PARTNER.parse().unwrap(),
        brand_id: BRAND.parse().unwrap(),
        status,
        reason: removed.then_some(RefusalReason::Other),
    }
    .into()
}

pub async fn of_campaign(service: &mut TestService, body: Body) {
    deliver(service, CAMPAIGN, CAMPAIGN, body).await;
}

async fn of_partner(service: &mut TestService, body: Body) {
    deliver(service, CAMPAIGN, &enrollment(CAMPAIGN, PARTNER), body).await;
}

/// Where a visitor of a link is sent, without the click.
pub async fn location(service: &TestService, code: &str) -> String {
    let url = format!("{}/c/{code}?user_id=passer-by", service.base_url);
    let response = service.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    let location = response.headers()["location"].to_str().unwrap();
    let target = location.split_once("click_id=").map(|(target, _)| target);
    target.unwrap_or(location).trim_end_matches('&').to_owned()
}

pub async fn leads_to(service: &TestService, expected: &str) {
    until(expected, || async {
        location(service, "lnk_1").await == expected
    })
    .await;
}

pub async fn clicks(service: &TestService) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM clicks")
        .fetch_one(service.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_pause_sends_visitors_to_the_fallback_page_and_counts_no_click_until_the_campaign_goes_on()
 {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    of_campaign(&mut service, paused()).await;
    leads_to(&service, FALLBACK).await;
    let before = clicks(&service).await;
    assert_eq!(location(&service, "lnk_1").await, FALLBACK);
    assert_eq!(clicks(&service).await, before);
    // Who came before counts inside the window, and who comes now does not.
    let sold = report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    assert_eq!(sold["partner_id"], PARTNER);
    let url = format!("{}/c/lnk_1?user_id=user2", service.base_url);
    service.client.get(url).send().await.unwrap();
    let lost = report_as(&service, "unattributed", &order("user2", "o2", "10")).await;
    assert_eq!(lost["reason"], "no_click");

    of_campaign(&mut service, resumed()).await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    click(&service, "lnk_1", "user2").await;
    report_as(&service, "attributed", &order("user2", "o3", "10")).await;
    let tables = ["campaigns", "enrollments", "links", "link_stops"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

/// As it comes after a restore of campaign.
#[tokio::test]
async fn a_campaign_that_was_paused_and_is_activated_again_is_active_in_one_batch_too() {
    let mut service = start_with_link().await;
    of_campaign(&mut service, paused()).await;
    leads_to(&service, FALLBACK).await;
    of_campaign(&mut service, activated()).await;
    leads_to(&service, TARGET).await;
    // The log is folded in one batch there.
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["campaigns"])
        .await;
    service.stop().await;
}

/// A campaign that starts then.
fn starting(starts_at: Option<Micros>) -> CampaignChangedV1 {
    lasting(starts_at, None)
}

/// A campaign that starts and ends then.
fn lasting(starts_at: Option<Micros>, ends_at: Option<Micros>) -> CampaignChangedV1 {
    CampaignChangedV1 {
        brand_id: BRAND.parse().unwrap(),
        name: "Boots".to_owned(),
        description: None,
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: Some("https://shop.example/soon".to_owned()),
        landing_url: None,
        starts_at,
        ends_at,
        budget: None,
        join: JoinMode::Open,
        trusts_redirects: Some(true),
    }
}

#[tokio::test]
async fn until_its_campaign_starts_a_link_leads_to_the_fallback_page_and_no_click_counts() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let start = Micros(chassis::time::now().get() + 3_600_000_000);
    of_campaign(&mut service, starting(Some(start)).into()).await;
    leads_to(&service, "https://shop.example/soon").await;
    let before = clicks(&service).await;
    assert_eq!(
        location(&service, "lnk_1").await,
        "https://shop.example/soon"
    );
    assert_eq!(clicks(&service).await, before);
    create_link(&service, "lnk_2", CAMPAIGN, PARTNER).await;
    report_as(&service, "attributed", &order("user1", "o1", "10")).await;

    service.advance_clock(3_600).await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    click(&service, "lnk_1", "user2").await;
    report_as(&service, "attributed", &order("user2", "o2", "10")).await;
    let tables = ["campaigns", "enrollments", "links", "link_stops"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn once_its_end_has_come_a_link_leads_to_the_fallback_page_though_nobody_has_paused_its_campaign()
 {
    let mut service = start_with_link().await;
    let end = Micros(chassis::time::now().get() + 3_600_000_000);
    of_campaign(&mut service, lasting(None, Some(end)).into()).await;
    click(&service, "lnk_1", "user1").await;

    service.advance_clock(3_600).await;
    leads_to(&service, "https://shop.example/soon").await;
    let before = clicks(&service).await;
    assert_eq!(
        location(&service, "lnk_1").await,
        "https://shop.example/soon"
    );
    assert_eq!(clicks(&service).await, before);
    report_as(&service, "attributed", &order("user1", "o1", "10")).await;

    of_campaign(&mut service, lasting(None, None).into()).await;
    leads_to(&service, TARGET).await;
    click(&service, "lnk_1", "user2").await;
    let tables = ["campaigns", "enrollments", "links", "link_stops"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn after_a_change_of_hosts_links_that_there_are_work_and_new_ones_lead_to_the_new_hosts() {
    let mut service = start_with_link().await;
    let mut changed = starting(None);
    changed.allowed_hosts = vec!["b.example".to_owned()];
    changed.fallback_url = None;
    of_campaign(&mut service, changed.into()).await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    let operator = runtime::testing::operator();
    let to = |url: &str| json!({"campaign_id": CAMPAIGN, "partner_id": PARTNER, "target_url": url});
    let (status, answer) = service.post(LINKS, &operator, &to(TARGET)).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("host_not_allowed"))
    );
    let (status, _) = service
        .post(LINKS, &operator, &to("https://b.example/"))
        .await;
    assert_eq!(status, StatusCode::CREATED);
    of_campaign(&mut service, paused()).await;
    leads_to(&service, "https://b.example/").await;
    service.stop().await;
}

#[tokio::test]
async fn a_change_of_a_draft_is_nothing_to_tracking_until_the_campaign_is_active() {
    let mut service = start().await;
    let mut changed = starting(None);
    changed.allowed_hosts = vec!["b.example".to_owned()];
    of_campaign(&mut service, changed.into()).await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    let tables = ["campaigns", "links"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_closed_campaign_gives_no_links_and_leads_to_the_page_that_its_brand_named() {
    let mut service = start().await;
    let terms = terms(1, "USD", 30);
    deliver(&mut service, CAMPAIGN, CAMPAIGN, terms).await;
    let Body::CampaignActivatedV1(mut activated) = activated() else {
        unreachable!()
    };
    activated.fallback_url = Some("https://shop.example/later?x=y".to_owned());
    of_campaign(&mut service, activated.into()).await;
    of_partner(&mut service, accepted(PARTNER)).await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    click(&service, "lnk_1", "user1").await;
    of_campaign(&mut service, closed()).await;
    leads_to(&service, "https://shop.example/later?x=y").await;
    let another = json!({"campaign_id": CAMPAIGN, "partner_id": PARTNER, "target_url": TARGET});
    let operator = runtime::testing::operator();
    let (status, answer) = service.post(LINKS, &operator, &another).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::CONFLICT, &json!("campaign_closed"))
    );
    report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    service.stop().await;
}

#[tokio::test]
async fn who_is_no_longer_in_keeps_what_its_clicks_earn_and_gets_no_more_of_them() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    of_partner(&mut service, ended(EnrollmentStatus::Left)).await;
    leads_to(&service, FALLBACK).await;
    report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    let another = json!({"campaign_id": CAMPAIGN, "partner_id": PARTNER, "target_url": TARGET});
    let operator = runtime::testing::operator();
    let (status, answer) = service.post(LINKS, &operator, &another).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::NOT_FOUND, &json!("not_enrolled"))
    );
    // It comes again, and is removed.
    of_partner(&mut service, accepted(PARTNER)).await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    of_partner(&mut service, ended(EnrollmentStatus::Removed)).await;
    leads_to(&service, FALLBACK).await;
    let tables = ["campaigns", "enrollments", "links", "link_stops"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

/// What a brand, or an operator of all campaigns, holds of the partner.
async fn ban(service: &mut TestService, brand: Option<&str>, begins: bool) {
    let brand_id: Option<BrandId> = brand.map(|brand| brand.parse().unwrap());
    let subject = BanId::of(brand_id.as_ref(), &PARTNER.parse().unwrap());
    let body = if begins {
        let reason = RefusalReason::TermsViolated;
        PartnerBannedV1 { brand_id, reason }.into()
    } else {
        PartnerUnbannedV1 { brand_id }.into()
    };
    deliver(service, PARTNER, subject.as_str(), body).await;
}

#[tokio::test]
async fn a_ban_stops_the_links_of_one_brand_or_of_all_until_it_ends_and_what_came_before_counts() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    ban(&mut service, Some("brand-of-others"), true).await;
    let before = clicks(&service).await;
    location(&service, "lnk_1").await;
    assert_eq!(clicks(&service).await, before + 1, "another brand's ban");
    for by in [Some(BRAND), None] {
        ban(&mut service, by, true).await;
        leads_to(&service, FALLBACK).await;
        let before = clicks(&service).await;
        location(&service, "lnk_1").await;
        assert_eq!(clicks(&service).await, before);
        let another = json!({"campaign_id": CAMPAIGN, "partner_id": PARTNER, "target_url": TARGET});
        let operator = runtime::testing::operator();
        let (status, answer) = service.post(LINKS, &operator, &another).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::FORBIDDEN, &json!("partner_banned"))
        );
        ban(&mut service, by, false).await;
        assert_eq!(location(&service, "lnk_1").await, TARGET);
    }
    ban(&mut service, Some(BRAND), true).await;
    report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    let tables = ["bans", "enrollments", "links", "link_stops"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

/// Two of tracking at one database, each of which has followed `lnk_1` to its target.
pub async fn two_processes_that_remember_a_link() -> (TestService, TestService) {
    let database = unmade_database();
    let of_tracking = || variables(&database);
    let mut first = TestService::start_with::<Tracking>(tracking::define, of_tracking()).await;
    let second = TestService::start_with::<Tracking>(tracking::define, of_tracking()).await;
    adopt(&mut first, CAMPAIGN, &[PARTNER]).await;
    create_link(&first, "lnk_1", CAMPAIGN, PARTNER).await;
    for process in [&first, &second] {
        assert_eq!(location(process, "lnk_1").await, TARGET);
    }
    (first, second)
}

#[tokio::test]
async fn every_process_learns_within_a_second_that_links_were_stopped() {
    let (mut first, second) = two_processes_that_remember_a_link().await;
    let mut measured = Vec::new();
    for _ in 0..5 {
        of_campaign(&mut first, paused()).await;
        let stopped = Instant::now();
        for process in [&first, &second] {
            leads_to(process, FALLBACK).await;
        }
        measured.push(stopped.elapsed());
        of_campaign(&mut first, resumed()).await;
        for process in [&first, &second] {
            assert_eq!(location(process, "lnk_1").await, TARGET);
        }
    }
    assert_within_a_second(&measured);
    of_campaign(&mut first, closed()).await;
    for process in [&first, &second] {
        leads_to(process, FALLBACK).await;
    }
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn with_the_database_away_a_link_leads_where_it_was_known_to() {
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &[PARTNER]).await;
    create_link(&service, "lnk_2", "camp200", PARTNER).await;
    for code in ["lnk_1", "lnk_2"] {
        assert_eq!(location(&service, code).await, TARGET);
    }
    // Of another campaign: every link is to be read again, this one too.
    deliver(&mut service, "camp200", "camp200", paused()).await;
    until("the stop to be known", || async {
        location(&service, "lnk_2").await == FALLBACK
    })
    .await;
    sqlx::raw_sql("ALTER TABLE links RENAME TO links_away")
        .execute(service.pool())
        .await
        .unwrap();
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    service.stop().await;
}

#[tokio::test]
async fn a_process_that_was_ready_stays_ready_while_its_database_is_away_and_links_lead_on() {
    let service = start_with_link().await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    let ready = async || service.get("/ready", &operator()).await;
    assert_eq!(ready().await.0, StatusCode::OK);
    let (server, name) = service.database_url.rsplit_once('/').unwrap();
    let mut server = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .unwrap();
    let mut run = async |sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut server)
            .await
            .unwrap();
    };
    run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    // Whoever connected before that was committed is among them.
    run(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ))
    .await;
    until("it says that its database is away", || async {
        let (status, body) = ready().await;
        assert_eq!(status, StatusCode::OK, "{body}");
        !of_database(&body).is_empty()
    })
    .await;
    assert_eq!(location(&service, "lnk_1").await, TARGET);
    run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    until("its database is there again", || async {
        of_database(&ready().await.1).is_empty()
    })
    .await;
    service.stop().await;
}

/// What `/ready` says of the database.
fn of_database(ready: &Value) -> String {
    let checks = ready["checks"].as_array().unwrap().iter();
    let mut database = checks.filter(|check| check["name"] == "database");
    let detail = database.next().unwrap()["detail"].as_str();
    detail.unwrap_or_default().to_owned()
}

/// A request that is not answered in time is no 200.
#[tokio::test]
async fn a_process_that_was_ready_stays_ready_while_its_database_is_silent() {
    let way = Way::to(&new_database().await).await;
    let service = start_with(variables(&way.url)).await;
    let ready = async || service.get("/ready", &operator()).await;
    assert_eq!(ready().await.0, StatusCode::OK);
    way.silence_all();
    until("it says that its database is silent", || async {
        let (status, body) = ready().await;
        assert_eq!(status, StatusCode::OK, "{body}");
        !of_database(&body).is_empty()
    })
    .await;
    way.carry_again();
    until("its database is there again", || async {
        let (status, body) = ready().await;
        status == StatusCode::OK && of_database(&body).is_empty()
    })
    .await;
    service.stop().await;
}
