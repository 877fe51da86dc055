//! Erasure: of a visitor of a brand nothing is left but keyed hashes in the log and in what it folds to.

use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{TestService, brand, message, operator_actor, partner, rows};
use schemas::{Actor, Body, EraseVisitorV1, Message, Topic};
use serde_json::json;

use crate::app::*;
use crate::binding::{bind, binding, bound, brand_actor, start_distrusting};

const VICTIM: &str = "qvictim7f3a";
const MARK: &str = "qnote7f3a";

fn erasure(number: u8, brand: &str, actor: Actor) -> Message {
    let erase = EraseVisitorV1 {
        brand_id: brand.to_owned(),
        visitor: api::visitor::write(VICTIM),
    };
    let subject = format!("era_{number}");
    let topic = Topic::TrackingCommands;
    let mut message = message(topic, &subject, &subject, Body::EraseVisitorV1(erase), None);
    message.header.actor = Some(actor);
    message
}

async fn erase(service: &TestService, number: u8, brand: &str, actor: Actor) {
    let command = erasure(number, brand, actor);
    service
        .deliver_all(Topic::TrackingCommands, vec![command])
        .await;
}

/// Of the tables that are no fold, the rows of the visitor: by hash, and what was noted.
async fn left(service: &TestService, table: &str) -> usize {
    let hash: String = types::hex(&api::visitor::hash(VICTIM));
    let rows = rows(service.pool(), table).await;
    let is_its = |row: &&String| row.contains(&hash) || row.contains(MARK);
    rows.iter().filter(is_its).count()
}

/// Until nothing that was being written can come any more.
async fn pass_a_minute(service: &TestService) {
    sqlx::query("UPDATE pipeline.log_head SET clock_offset = clock_offset + 61000000")
        .execute(service.pool())
        .await
        .unwrap();
}

async fn until_ended(service: &TestService) {
    runtime::testing::until("the erasure has ended", async || {
        rows(service.pool(), "erasures").await.is_empty()
    })
    .await;
}

async fn until_left(service: &TestService, table: &str, count: usize) {
    let what = format!("{count} rows of the visitor are left in {table}");
    runtime::testing::until(&what, async || left(service, table).await == count).await;
}

#[tokio::test]
async fn what_is_kept_beside_the_log_of_a_brands_visitor_goes_and_another_brands_stays() {
    let mut service = start_with_link().await;
    adopt_of(&mut service, "brand2", "camp200", &[PARTNER]).await;
    create_link(&service, "lnk_2", "camp200", PARTNER).await;
    for link in ["lnk_1", "lnk_2"] {
        click(&service, link, VICTIM).await;
    }
    let noted = |campaign: &str, number: &str| {
        let sale = with(order(VICTIM, number, "10"), "campaign_id", campaign);
        with(sale, "metadata", json!({"note": MARK}))
    };
    for (campaign, number, claimed) in [(CAMPAIGN, "o1", "c1"), ("camp200", "o2", "c2")] {
        report_as(&service, "attributed", &noted(campaign, number)).await;
        report_as(&service, "duplicate_ignored", &noted(campaign, number)).await;
        let back = refund(VICTIM, number, "1");
        let back = with(back, "campaign_id", campaign);
        let back = with(back, "metadata", json!({"note": MARK}));
        report_as(&service, "refunded", &back).await;
        let (_, answer) = service
            .post(EVENTS, &partner(PARTNER), &noted(campaign, claimed))
            .await;
        assert_eq!(answer["outcome"], "claimed", "{answer}");
    }
    for (table, rows) in [("clicks", 2), ("last_clicks", 2), ("report_notes", 8)] {
        assert_eq!(left(&service, table).await, rows, "{table}");
    }
    // A brand may not: it asks an operator.
    let brand = Actor {
        roles: vec!["brand".to_owned()],
        brand_id: Some(BRAND.to_owned()),
        ..operator_actor()
    };
    erase(&service, 1, BRAND, brand).await;
    assert_eq!(left(&service, "report_notes").await, 8);
    erase(&service, 2, BRAND, operator_actor()).await;
    let bought = with(purchase(VICTIM, "10"), "campaign_id", CAMPAIGN);
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "no_click", "at once");
    pass_a_minute(&service).await;
    for (table, rows) in [("clicks", 1), ("last_clicks", 1), ("report_notes", 4)] {
        // The other brand's.
        until_left(&service, table, rows).await;
    }
    let bought = with(purchase(VICTIM, "10"), "campaign_id", CAMPAIGN);
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "no_click");
    let bought = with(purchase(VICTIM, "10"), "campaign_id", "camp200");
    report_as(&service, "attributed", &bought).await;
    erase(&service, 3, "brand2", operator_actor()).await;
    pass_a_minute(&service).await;
    for table in ["clicks", "last_clicks", "report_notes", "erasures"] {
        until_left(&service, table, 0).await;
    }
    service.stop().await;
}

/// A shop that gives all its visitors one id has it erased as any other, and nobody waits for that.
#[tokio::test]
async fn an_id_of_very_many_clicks_is_erased_by_and_by_and_none_of_them_counts_meanwhile() {
    const MANY: &str = "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
        SELECT c.clicked_at - n, 'clk_' || n, c.link_code, c.campaign_id, c.user_hash FROM clicks c, generate_series(1, 12000) n
         WHERE c.user_hash IS NOT NULL";
    let service = start_with_link().await;
    click(&service, "lnk_1", VICTIM).await;
    let made = sqlx::query(MANY).execute(service.pool()).await.unwrap();
    assert_eq!(made.rows_affected(), 12_000);
    erase(&service, 1, BRAND, operator_actor()).await;
    // A report of the past is looked for among all clicks.
    click(&service, "lnk_1", VICTIM).await;
    let earlier = with(
        with(purchase(VICTIM, "10"), "campaign_id", CAMPAIGN),
        "occurred_at",
        json!(before_the_last_click(&service).await),
    );
    let answer = report_as(&service, "unattributed", &earlier).await;
    assert_eq!(answer["reason"], "no_click");
    pass_a_minute(&service).await;
    until_left(&service, "clicks", 1).await;
    until_left(&service, "last_clicks", 1).await;
    until_ended(&service).await;
    service.stop().await;
}

/// Where a secret is current and accepted as an earlier one too, a visitor has one hash twice.
#[tokio::test]
async fn an_erasure_that_names_a_hash_twice_is_one_and_holds_nobody_up() {
    let service = start_with_link().await;
    click(&service, "lnk_1", VICTIM).await;
    let mut twice = erasure(1, BRAND, operator_actor());
    if let Body::EraseVisitorV1(erase) = &mut twice.body {
        erase.visitor.earlier = vec![erase.visitor.hash.clone(); 2];
    }
    service
        .deliver_all(Topic::TrackingCommands, vec![twice])
        .await;
    let bought = with(purchase(VICTIM, "10"), "campaign_id", CAMPAIGN);
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "no_click");
    pass_a_minute(&service).await;
    until_left(&service, "clicks", 0).await;
    until_ended(&service).await;
    service.stop().await;
}

/// What was being written when the erasure began, and what came after it.
#[tokio::test]
async fn a_last_click_that_came_late_goes_at_the_end_and_a_later_one_stays() {
    const COPY: &str = "CREATE TABLE kept AS SELECT * FROM last_clicks";
    const BACK: &str = "INSERT INTO last_clicks SELECT * FROM kept ON CONFLICT DO NOTHING";
    let service = start_with_link().await;
    click(&service, "lnk_1", VICTIM).await;
    sqlx::query(COPY).execute(service.pool()).await.unwrap();
    erase(&service, 1, BRAND, operator_actor()).await;
    until_left(&service, "last_clicks", 0).await;
    sqlx::query(BACK).execute(service.pool()).await.unwrap();
    pass_a_minute(&service).await;
    until_ended(&service).await;
    assert_eq!(left(&service, "last_clicks").await, 0);
    assert_eq!(left(&service, "clicks").await, 0);

    sqlx::query("UPDATE kept SET clicked_at = clicked_at + 3600000000")
        .execute(service.pool())
        .await
        .unwrap();
    sqlx::query(BACK).execute(service.pool()).await.unwrap();
    erase(&service, 2, BRAND, operator_actor()).await;
    pass_a_minute(&service).await;
    until_ended(&service).await;
    assert_eq!(left(&service, "last_clicks").await, 1);
    service.stop().await;
}

/// The job would make it nobody's again, though its shop was answered that it is the visitor's.
#[tokio::test]
async fn a_click_of_before_becomes_no_visitors_while_that_is_being_erased() {
    let service = start_distrusting().await;
    let clicked = click(&service, "lnk_1", "x").await;
    let in_one_batch = click(&service, "lnk_1", "x").await;
    erase(&service, 1, BRAND, operator_actor()).await;
    let (status, answer) = bind(&service, &brand(BRAND), &clicked, VICTIM).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::NOT_FOUND, &json!("click_unknown"))
    );
    let later = click(&service, "lnk_1", "x").await;
    bound(&service, &later, VICTIM).await;
    pass_a_minute(&service).await;
    until_ended(&service).await;
    assert_eq!(left(&service, "clicks").await, 1, "the later one");

    let messages = vec![
        erasure(2, BRAND, operator_actor()),
        binding(&in_one_batch, VICTIM, brand_actor(BRAND)),
        binding(&in_one_batch, "another", brand_actor(BRAND)),
    ];
    let answers = service.deliver_all(Topic::TrackingCommands, messages).await;
    let answers: Vec<_> = answers.iter().map(Answer::name).collect();
    assert_eq!(answers, ["done", "rejected", "done"]);
    pass_a_minute(&service).await;
    until_ended(&service).await;
    bound(&service, &clicked, VICTIM).await;
    assert_eq!(left(&service, "clicks").await, 1);
    service.stop().await;
}

/// The moment before the visitor clicked last, as a report says it.
async fn before_the_last_click(service: &TestService) -> String {
    let at: String = sqlx::query_scalar(
        r#"SELECT to_char(to_timestamp((max(clicked_at) - 1) / 1000000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM last_clicks"#,
    )
    .fetch_one(service.pool())
    .await
    .unwrap();
    at
}
