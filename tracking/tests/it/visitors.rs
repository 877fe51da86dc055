//! What is kept of a visitor's id is a hash under a key, and a visitor is known again by those that were kept before.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use runtime::testing::{SECRET, TestService, brand, partner, rows};
use schemas::Topic;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tracking::store::candidates::{self, Lookup};
use tracking::visitor;
use types::{Micros, Uuid};

use crate::app::*;

/// What builds before there were keys kept.
fn plain(user: &str) -> Vec<u8> {
    let hash = digest::digest(&digest::SHA256, user.as_bytes());
    hash.as_ref().to_vec()
}

/// What is kept under a secret: these bytes are in databases and logs, so they never change.
fn keyed(secret: &str, user: &str) -> Vec<u8> {
    let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let derived = hmac::sign(&key(secret.as_bytes()), b"tributary visitor v1");
    let hash = hmac::sign(&key(derived.as_ref()), user.as_bytes());
    hash.as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}

/// From now on the clicks of a visitor stand there as if they had been recorded with this hash.
async fn keep_as(service: &TestService, user: &str, hash: &[u8]) {
    let current = keyed(SECRET, user);
    for table in ["clicks", "last_clicks"] {
        let sql = format!("UPDATE {table} SET user_hash = $2 WHERE user_hash = $1");
        let changed = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&current)
            .bind(hash)
            .execute(service.pool())
            .await
            .unwrap();
        assert!(changed.rows_affected() > 0, "{table}");
    }
}

async fn clicked_at(service: &TestService, click: &str) -> Micros {
    let at = sqlx::query_scalar("SELECT clicked_at FROM clicks WHERE id = $1").bind(click);
    Micros(at.fetch_one(service.pool()).await.unwrap())
}

/// A campaign of this window with a link of this code.
async fn adopt_with_window(service: &mut TestService, campaign: &str, days: i32, code: &str) {
    deliver(service, campaign, campaign, terms(1, "USD", days)).await;
    deliver(service, campaign, campaign, activated()).await;
    let subject = enrollment(campaign, PARTNER);
    deliver(service, campaign, &subject, accepted(PARTNER)).await;
    create_link(service, code, campaign, PARTNER).await;
}

/// Reports what must be attributed; by which click it was.
async fn click_of(service: &TestService, body: &Value) -> Value {
    report_as(service, "attributed", body).await["click_id"].clone()
}

/// Of every table, the log's too, the rows that hold this hash: as it is, in hexadecimal digits, or those in a message's bytes.
async fn holding(service: &TestService, hash: &[u8]) -> HashMap<String, usize> {
    let sql = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
                WHERE schemaname IN ('public', 'pipeline')";
    let tables = sqlx::query_scalar(sql).fetch_all(service.pool()).await;
    let tables: Vec<String> = tables.unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let digits = hex(hash);
    let forms = [hex(digits.as_bytes()), digits];
    let mut found = HashMap::new();
    for table in tables {
        let mut rows = rows(service.pool(), &table).await;
        rows.retain(|row| forms.iter().any(|form| row.contains(form)));
        if !rows.is_empty() {
            found.insert(table, rows.len());
        }
    }
    found
}

#[tokio::test]
async fn no_table_and_no_event_holds_a_hash_of_a_visitor_that_a_dictionary_would_find() {
    let service = start_with_link().await;
    let user = "somebody";
    click(&service, "lnk_1", user).await;
    report_as(&service, "attributed", &order(user, "order1", "10")).await;
    let nowhere = with(order(user, "order2", "10"), "campaign_id", "nowhere");
    report_as(&service, "unattributed", &nowhere).await;
    report_as(&service, "refunded", &refund(user, "order1", "1")).await;
    report_as(&service, "refund_noted", &refund(user, "order3", "10")).await;
    let seen = json!({"user_id": user, "event_type": "seen"});
    report_as(&service, "recorded", &seen).await;
    let claimed = order(user, "order4", "10");
    let (_, answer) = service.post(EVENTS, &partner(PARTNER), &claimed).await;
    assert_eq!(answer["outcome"], "claimed", "{answer}");
    assert_eq!(holding(&service, &plain(user)).await, HashMap::new());
    // What is kept is found where it is kept: a search that finds nothing shows nothing.
    let kept = holding(&service, &keyed(SECRET, user)).await;
    for (table, rows) in [
        ("public.last_clicks", 1),
        ("public.clicks", 1),
        ("public.conversions", 2),
        ("public.tracking_events", 1),
        ("public.claims", 1),
        ("pipeline.message_log", 4),
    ] {
        assert_eq!(kept.get(table), Some(&rows), "{table} of {kept:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_click_of_before_keyed_hashes_still_counts() {
    let service = start_with_link().await;
    let first = click(&service, "lnk_1", "user1").await;
    let after_the_first = Micros(clicked_at(&service, &first).await.0 + 1);
    service.advance_clock(86_400).await;
    let last = click(&service, "lnk_1", "user1").await;
    keep_as(&service, "user1", &plain("user1")).await;
    let bought = purchase("user1", "10");
    assert_eq!(click_of(&service, &bought).await, json!(last));
    let named = with(bought.clone(), "campaign_id", CAMPAIGN);
    assert_eq!(click_of(&service, &named).await, json!(last));
    let (_, answer) = service.post(EVENTS, &brand(BRAND), &bought).await;
    assert_eq!(answer["click_id"], json!(last), "{answer}");
    let earlier = chassis::time::to_rfc3339(after_the_first);
    let late = with(bought.clone(), "occurred_at", earlier);
    assert_eq!(click_of(&service, &late).await, json!(first));
    let stranger = purchase("stranger", "10");
    let answer = report_as(&service, "unattributed", &stranger).await;
    assert_eq!(answer["reason"], "no_click");
    service.advance_clock(40 * 86_400).await;
    let answer = report_as(&service, "unattributed", &bought).await;
    assert_eq!(answer["reason"], "outside_window");
    service.stop().await;
}

#[tokio::test]
async fn a_click_that_a_process_with_a_clock_ahead_recorded_counts_for_a_report_without_a_time() {
    let service = start_with_link().await;
    let clicked = click(&service, "lnk_1", "user1").await;
    let clock = messaging::clock::state(service.pool()).await;
    let now = Micros(clock.unwrap().now);
    let ahead = Micros(now.0 + 250_000_000);
    for sql in [
        "UPDATE clicks SET clicked_at = $1",
        "UPDATE last_clicks SET clicked_at = $1",
    ] {
        let moved = sqlx::query(sql).bind(ahead.0).execute(service.pool());
        assert_eq!(moved.await.unwrap().rows_affected(), 1, "{sql}");
    }
    let bought = purchase("user1", "10");
    let timed = |at: Micros| {
        let at = chassis::time::to_rfc3339(at);
        with(bought.clone(), "occurred_at", at)
    };
    let answer = report_as(&service, "unattributed", &timed(now)).await;
    assert_eq!(answer["reason"], "no_click");
    let answer = report_as(&service, "attributed", &bought).await;
    assert_eq!(answer["click_id"], json!(clicked));
    let at: i64 = sqlx::query_scalar("SELECT max(occurred_at) FROM conversions")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(Micros(at), ahead, "not before its click");
    // The last one is of later, and this one is found among the clicks before.
    sqlx::query("UPDATE last_clicks SET clicked_at = clicked_at + 600000000, id = 'clk_later'")
        .execute(service.pool())
        .await
        .unwrap();
    assert_eq!(click_of(&service, &bought).await, json!(clicked));
    service.stop().await;
}

#[tokio::test]
async fn a_click_recorded_under_an_older_key_still_counts() {
    let service = start_with_link().await;
    let clicked = click(&service, "lnk_1", "user1").await;
    keep_as(&service, "user1", &keyed(EARLIER_SECRET, "user1")).await;
    let bought = purchase("user1", "10");
    assert_eq!(click_of(&service, &bought).await, json!(clicked));
    // Of a key that is no longer accepted nothing is known.
    click(&service, "lnk_1", "user2").await;
    keep_as(&service, "user2", &keyed("a retired secret", "user2")).await;
    let answer = report_as(&service, "unattributed", &purchase("user2", "10")).await;
    assert_eq!(answer["reason"], "no_click");
    service.stop().await;
}

#[tokio::test]
async fn a_click_under_the_current_key_that_counts_wins_over_those_under_other_keys() {
    let mut service = start_with_link().await;
    adopt(&mut service, "camp200", &[PARTNER]).await;
    create_link(&service, "lnk_2", "camp200", PARTNER).await;
    let before = click(&service, "lnk_1", "user1").await;
    keep_as(&service, "user1", &keyed(EARLIER_SECRET, "user1")).await;
    let current = click(&service, "lnk_2", "user1").await;
    let bought = purchase("user1", "10");
    assert_eq!(click_of(&service, &bought).await, json!(current));
    // In the campaign that is named there is none under the current one, nor at the time that is claimed.
    let named = with(bought.clone(), "campaign_id", CAMPAIGN);
    assert_eq!(click_of(&service, &named).await, json!(before));
    let at = Micros(clicked_at(&service, &current).await.0 - 1);
    let earlier = with(bought, "occurred_at", chassis::time::to_rfc3339(at));
    assert_eq!(click_of(&service, &earlier).await, json!(before));
    // Also over a later one: a replica that still has the other key recorded it a moment ago.
    let current = click(&service, "lnk_2", "user2").await;
    click(&service, "lnk_1", "user3").await;
    let others = keyed(EARLIER_SECRET, "user2");
    keep_as(&service, "user3", &others).await;
    let bought = purchase("user2", "10");
    assert_eq!(click_of(&service, &bought).await, json!(current));
    service.stop().await;
}

#[tokio::test]
async fn a_click_under_another_key_inside_its_window_wins_over_one_under_the_current_outside_its() {
    let mut service = start_with_link().await;
    adopt_with_window(&mut service, "short", 1, "lnk_short").await;
    adopt_with_window(&mut service, "shortest", 1, "lnk_shortest").await;
    let plainly = click(&service, "lnk_1", "user1").await;
    click(&service, "lnk_shortest", "user1").await;
    keep_as(&service, "user1", &plain("user1")).await;
    click(&service, "lnk_short", "user1").await;
    click(&service, "lnk_shortest", "user2").await;
    keep_as(&service, "user2", &plain("user2")).await;
    service.advance_clock(3 * 86_400).await;
    let bought = purchase("user1", "10");
    assert_eq!(click_of(&service, &bought).await, json!(plainly));
    let answer = report_as(&service, "unattributed", &purchase("user2", "10")).await;
    assert_eq!(answer["reason"], "outside_window");
    service.stop().await;
}

/// So that a test that stalls keeps its transaction.
const PATIENT: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";

/// How often `last_clicks` was looked into on this connection.
async fn scans(connection: &mut PgConnection) -> i64 {
    let sql =
        "SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'last_clicks'";
    let scans = sqlx::query_scalar(sql).fetch_one(connection).await;
    scans.unwrap()
}

#[tokio::test]
async fn only_a_visitor_without_a_click_that_counts_under_the_current_key_is_looked_for_by_others()
{
    let service = start_with_link().await;
    let clicked = click(&service, "lnk_1", "user1").await;
    let at = clicked_at(&service, &clicked).await;
    let mut tx = messaging::begin(service.pool(), PATIENT).await.unwrap();
    // By the current hash; by that, the one under the accepted key and the plain one.
    for (user, expected) in [("user1", 1), ("stranger", 3)] {
        let lookup = Lookup {
            report: Uuid::now_v7(),
            user: visitor::read(user),
            campaign: None,
            click: None,
            brand: None,
            at,
            clicked_by: at,
        };
        let before = scans(&mut tx).await;
        candidates::load(&mut tx, &[lookup], at).await.unwrap();
        assert_eq!(scans(&mut tx).await - before, expected, "{user}");
    }
    drop(tx);
    service.stop().await;
}

#[tokio::test]
async fn each_report_of_a_batch_finds_its_own_visitors_click_whatever_it_is_kept_under() {
    let service = start_with_link().await;
    let users = ["stranger", "user1", "user2", "user3", "user4"];
    let mut expected = vec![None];
    for user in &users[1..] {
        expected.push(Some(click(&service, "lnk_1", user).await));
    }
    keep_as(&service, "user1", &plain("user1")).await;
    keep_as(&service, "user3", &keyed(EARLIER_SECRET, "user3")).await;
    let reports = users.iter().map(|user| reported(user, user)).collect();
    let topic = Topic::TrackingCommands;
    let answers = service.deliver_all(topic, reports).await;
    assert_eq!(answers.len(), users.len());
    let found: Vec<Option<String>> =
        sqlx::query_scalar("SELECT click_id FROM conversions ORDER BY order_id")
            .fetch_all(service.pool())
            .await
            .unwrap();
    assert_eq!(found, expected);
    service.stop().await;
}

#[tokio::test]
async fn the_click_that_counts_is_found_among_those_on_any_number_of_campaigns() {
    let service = start_with_link().await;
    let counts = click(&service, "lnk_1", "user1").await;
    let at = clicked_at(&service, &counts).await;
    // Later clicks on campaigns of a window of no length, more than are read at once.
    for sql in [
        "INSERT INTO terms (campaign_id, version, brand_id, currency, window_days, effective_at, position, worsens)
         SELECT 'a_' || n, 1, brand_id, currency, 0, effective_at, 0, worsens FROM terms, generate_series(2, 60) n WHERE version = 1",
        "INSERT INTO links (code, campaign_id, partner_id, enrollment_id, target_url, digest, created_at, position)
         SELECT 'lnk_' || n, 'a_' || n, partner_id, enrollment_id, target_url, n, created_at, 1000 + n
           FROM links, generate_series(2, 60) n WHERE code = 'lnk_1'",
        "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
         SELECT clicked_at + n, 'clk_' || n, 'lnk_' || n, 'a_' || n, user_hash FROM clicks, generate_series(2, 60) n",
        "INSERT INTO last_clicks (user_hash, campaign_id, clicked_at, id, link_code)
         SELECT user_hash, 'a_' || n, clicked_at + n, 'clk_' || n, 'lnk_' || n FROM last_clicks, generate_series(2, 60) n",
        // One that is read among the first, of a link that is not known here.
        "UPDATE last_clicks SET link_code = 'unknown' WHERE campaign_id = 'a_2'",
        // So that it is read last.
        "WITH it AS (DELETE FROM last_clicks WHERE link_code = 'lnk_1' RETURNING *) INSERT INTO last_clicks SELECT * FROM it",
    ] {
        let written = sqlx::query(sql).execute(service.pool()).await.unwrap();
        assert!(written.rows_affected() > 0, "{sql}");
    }
    let mut connection = service.pool().acquire().await.unwrap();
    let lookup = Lookup {
        report: Uuid::now_v7(),
        user: visitor::read("user1"),
        campaign: None,
        click: None,
        brand: None,
        at: Micros(at.0 + 1_000),
        clicked_by: Micros(at.0 + 1_000),
    };
    let report = lookup.report;
    let found = candidates::load(&mut connection, &[lookup], at).await;
    assert_eq!(found.unwrap()[&report].click.as_str(), counts);
    drop(connection);
    service.stop().await;
}

/// How many clicks were read on this connection.
async fn read(connection: &mut PgConnection) -> i64 {
    let sql = "SELECT coalesce(sum(idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables WHERE relname ~ '^clicks_'";
    let read = sqlx::query_scalar(sql).fetch_one(connection).await;
    read.unwrap()
}

#[tokio::test]
async fn of_a_visitor_with_very_many_clicks_the_last_are_read_and_others_brands_hide_nothing() {
    let mut service = start_with_link().await;
    adopt_of(&mut service, "brand9", "camp9", &["partner9"]).await;
    create_link(&service, "lnk_9", "camp9", "partner9").await;
    let own = click(&service, "lnk_1", "guest").await;
    click(&service, "lnk_9", "guest").await;
    let more = "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
                SELECT c.clicked_at + n, c.id || n, c.link_code, c.campaign_id, c.user_hash
                  FROM (SELECT * FROM clicks WHERE link_code = $1 ORDER BY clicked_at DESC LIMIT 1) c, generate_series(1, $2) n";
    let more = async |link: &str, clicks: i32| {
        let sql = sqlx::query(more).bind(link).bind(clicks);
        sql.execute(service.pool()).await.unwrap();
    };
    // Almost all visitors have few.
    let others = "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
                  SELECT clicked_at - n, id || '-' || n, link_code, campaign_id, sha256(n::text::bytea)
                    FROM clicks, generate_series(1, 5000) n";
    for sql in [others, "ANALYZE clicks"] {
        sqlx::query(sql).execute(service.pool()).await.unwrap();
    }
    more("lnk_9", 5_000).await;
    // Read, and found.
    let found = async || {
        let at: i64 = sqlx::query_scalar("SELECT max(clicked_at) FROM clicks")
            .fetch_one(service.pool())
            .await
            .unwrap();
        let mut tx = messaging::begin(service.pool(), PATIENT).await.unwrap();
        // As if there were a later click.
        sqlx::query("UPDATE last_clicks SET clicked_at = $1 + 2")
            .bind(at)
            .execute(&mut *tx)
            .await
            .unwrap();
        let lookup = Lookup {
            report: Uuid::now_v7(),
            user: visitor::read("guest"),
            campaign: None,
            click: None,
            brand: Some(BRAND.parse().unwrap()),
            at: Micros(at + 1),
            clicked_by: Micros(at + 1),
        };
        let report = lookup.report;
        let before = read(&mut tx).await;
        let found = candidates::load(&mut tx, &[lookup], Micros(at)).await;
        let read = read(&mut tx).await - before;
        let found = found.unwrap().remove(&report);
        (read, found.map(|click| click.click.into_string()))
    };
    assert_eq!(found().await, (5_002, Some(own)));
    more("lnk_9", 12_000).await;
    // For one that counts, and for any.
    assert_eq!(found().await, (20_000, None), "so many are read");
    more("lnk_9", 3).await;
    let of_own =
        "UPDATE clicks SET link_code = 'lnk_1', campaign_id = $1 WHERE link_code = 'lnk_9'";
    let sql = sqlx::query(of_own).bind(CAMPAIGN);
    sql.execute(service.pool()).await.unwrap();
    let (read, last) = found().await;
    assert!(read < 10, "the first counts, and {read} were read");
    assert!(last.is_some());
    sqlx::query("UPDATE terms SET window_days = -1")
        .execute(service.pool())
        .await
        .unwrap();
    let (read, last) = found().await;
    assert_eq!(
        read, 1_001,
        "so many of the brand's own, and the last of them"
    );
    assert!(last.is_some());
    service.stop().await;
}

#[tokio::test]
async fn the_last_click_of_a_brand_is_found_behind_very_many_campaigns_and_clicks_of_others() {
    let mut service = start_with_link().await;
    adopt_of(&mut service, "brand9", "camp9", &["partner9"]).await;
    create_link(&service, "lnk_9", "camp9", "partner9").await;
    let own = click(&service, "lnk_1", "guest").await;
    let last = click(&service, "lnk_9", "guest").await;
    let at = Micros(clicked_at(&service, &last).await.0 + 20_000);
    for sql in [
        "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
         SELECT clicked_at + n, id || n, link_code, campaign_id, user_hash
           FROM (SELECT * FROM clicks ORDER BY clicked_at DESC LIMIT 1) c, generate_series(1, 12000) n",
        "INSERT INTO last_clicks (user_hash, campaign_id, clicked_at, id, link_code)
         SELECT user_hash, 'a' || n, clicked_at, id, link_code FROM last_clicks, generate_series(1, 40) n WHERE campaign_id = 'camp9'",
        // As what is read first.
        "UPDATE last_clicks SET link_code = link_code WHERE campaign_id <> 'camp9' AND campaign_id NOT LIKE 'a%'",
    ] {
        sqlx::query(sql).execute(service.pool()).await.unwrap();
    }
    let lookup = Lookup {
        report: Uuid::now_v7(),
        user: visitor::read("guest"),
        campaign: None,
        click: None,
        brand: Some(BRAND.parse().unwrap()),
        at,
        clicked_by: at,
    };
    let report = lookup.report;
    let mut tx = messaging::begin(service.pool(), PATIENT).await.unwrap();
    let found = candidates::load(&mut tx, &[lookup], at).await.unwrap();
    let found = found.get(&report).map(|click| click.click.as_str());
    assert_eq!(found, Some(own.as_str()));
    drop(tx);
    service.stop().await;
}

#[tokio::test]
async fn a_brand_of_many_reports_reads_no_more_clicks_together_and_takes_none_from_anothers() {
    let mut service = start_with_link().await;
    adopt_of(&mut service, "brand9", "camp9", &["partner9"]).await;
    create_link(&service, "lnk_9", "camp9", "partner9").await;
    let own = click(&service, "lnk_1", "guest").await;
    let last = click(&service, "lnk_9", "guest").await;
    let at = clicked_at(&service, &last).await.0 + 5_001;
    for sql in [
        // Almost all visitors have few.
        "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
         SELECT clicked_at - n, id || '-' || n, link_code, campaign_id, sha256(n::text::bytea)
           FROM clicks, generate_series(1, 5000) n",
        "INSERT INTO clicks (clicked_at, id, link_code, campaign_id, user_hash)
         SELECT clicked_at + n, id || n, link_code, 'elsewhere', user_hash
           FROM (SELECT * FROM clicks ORDER BY clicked_at DESC LIMIT 1) c, generate_series(1, 5000) n",
        "ANALYZE clicks",
        "UPDATE last_clicks SET clicked_at = clicked_at + 1000000",
    ] {
        sqlx::query(sql).execute(service.pool()).await.unwrap();
    }
    let lookup = |brand: &str, later| Lookup {
        report: Uuid::now_v7(),
        user: visitor::read("guest"),
        campaign: None,
        click: None,
        brand: Some(brand.parse().unwrap()),
        at: Micros(at + later),
        clicked_by: Micros(at + later),
    };
    let one = lookup(BRAND, 0);
    let report = one.report;
    let many = (0..100).map(|later| lookup("brand9", later));
    let lookups: Vec<Lookup> = many.chain([one]).collect();
    let mut tx = messaging::begin(service.pool(), "BEGIN").await.unwrap();
    let before = read(&mut tx).await;
    let found = candidates::load(&mut tx, &lookups, Micros(at)).await;
    let read = read(&mut tx).await - before;
    assert_eq!(found.unwrap()[&report].click.as_str(), own);
    // Each of the many for one that counts, and for any.
    assert!(read <= 100 * 100 * 2 + 5_002, "{read}");
    drop(tx);
    service.stop().await;
}
