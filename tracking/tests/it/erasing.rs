//! Erasure: of a visitor of a brand nothing is left but keyed hashes in the log and in what it folds to.

use runtime::testing::{TestService, message, operator_actor, rows};
use schemas::{Actor, Body, EraseVisitorV1, Message, Topic};
use serde_json::json;

use crate::app::*;

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
    report_as(&service, "attributed", &noted(CAMPAIGN, "o1")).await;
    report_as(&service, "attributed", &noted("camp200", "o2")).await;
    for (table, rows) in [("clicks", 2), ("last_clicks", 2), ("report_notes", 2)] {
        assert_eq!(left(&service, table).await, rows, "{table}");
    }
    // A brand may not: it asks an operator.
    let brand = Actor {
        roles: vec!["brand".to_owned()],
        brand_id: Some(BRAND.to_owned()),
        ..operator_actor()
    };
    erase(&service, 1, BRAND, brand).await;
    assert_eq!(left(&service, "report_notes").await, 2);
    erase(&service, 2, BRAND, operator_actor()).await;
    let bought = with(purchase(VICTIM, "10"), "campaign_id", CAMPAIGN);
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "no_click", "at once");
    for table in ["clicks", "last_clicks", "report_notes"] {
        // The other brand's.
        until_left(&service, table, 1).await;
    }
    let bought = with(purchase(VICTIM, "10"), "campaign_id", CAMPAIGN);
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "no_click");
    let bought = with(purchase(VICTIM, "10"), "campaign_id", "camp200");
    report_as(&service, "attributed", &bought).await;
    erase(&service, 3, "brand2", operator_actor()).await;
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
    until_left(&service, "clicks", 1).await;
    until_left(&service, "last_clicks", 1).await;
    runtime::testing::until("the erasure has ended", async || {
        rows(service.pool(), "erasures").await.is_empty()
    })
    .await;
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
