//! What endpoints are sent: signed, in order, until it is taken, and to nobody who may not see it.

use std::collections::HashMap;

use axum::http::StatusCode;
use chassis::time::Timestamp;
use notify::Notify;
use runtime::testing::{self, TestService, until};
use serde_json::{Value, json};
use types::{Micros, clock};

use crate::app::{self, DELIVERIES, WEBHOOKS};
use crate::receiver::{Received, Receiver};

const SALES: [&str; 2] = ["conversion.attributed.v1", "conversion.refunded.v1"];

async fn secret(service: &TestService, endpoint: &str, token: &str) -> String {
    let shown = app::get(service, &format!("{WEBHOOKS}/{endpoint}/secret"), token).await;
    shown["secret"].as_str().unwrap().to_owned()
}

fn kinds_of(arrived: &[Received], subject: &str) -> Vec<String> {
    let of = arrived.iter().filter(|it| it.subject() == subject);
    of.map(|it| it.kind().to_owned()).collect()
}

async fn status(service: &TestService, endpoint: &str) -> (Value, Value) {
    let path = format!("{WEBHOOKS}/{endpoint}");
    let shown = app::get(service, &path, &testing::operator()).await;
    (shown["status"].clone(), shown["disabled_reason"].clone())
}

#[tokio::test]
async fn an_owner_is_sent_what_it_may_see_signed_with_its_secret_and_no_other() {
    let mut service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    let (of_brand, of_partner, other) = (
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    );
    let id = app::endpoint(&service, &brand, &of_brand.url, &[]).await;
    app::endpoint(&service, &partner, &of_partner.url, &[]).await;
    app::endpoint(&service, &testing::brand("brand2"), &other.url, &[]).await;
    app::campaign(&mut service, "camp1", "brand1").await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    app::refund(&mut service, "order1", 5_000).await;
    app::link(&mut service, "spring", ("camp1", None), "partner1").await;
    app::approval(&mut service, "order1", "brand1", "partner1").await;

    let arrived = of_brand.until(5).await;
    let expected = [
        "conversion.attributed.v1",
        "conversion.refunded.v1",
        "commission.approved.v1",
    ];
    assert_eq!(kinds_of(&arrived, "order1"), expected);
    assert_eq!(kinds_of(&arrived, "spring"), ["link.created.v1"]);
    assert_eq!(kinds_of(&arrived, "camp1"), ["campaign.created.v1"]);
    let sale = arrived.iter().find(|it| it.kind() == expected[0]).unwrap();
    let data = &sale.body["data"];
    assert_eq!(data["amount"], json!({"minor": 20_000, "currency": "USD"}));
    assert_eq!(data["partner_id"], "partner1");
    assert!(data.get("alias_id").is_none());
    assert!(sale.body["timestamp"].is_string());
    // Its partner sees no campaign being made.
    assert_eq!(of_partner.until(4).await.len(), 4);
    app::until_deliveries(&service, &id, "delivered", 5).await;
    assert!(other.received().is_empty());

    let (own, others) = (
        secret(&service, &id, &brand).await,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
    );
    for it in &arrived {
        assert!(it.is_signed_with(&own));
        assert!(!it.is_signed_with(others));
    }
    service.stop().await;
}

#[tokio::test]
async fn a_brand_is_sent_a_link_for_a_campaign_that_is_not_known_here_yet() {
    let mut service = app::start().await;
    let receiver = Receiver::start().await;
    let (brand, kinds) = (testing::brand("brand1"), ["link.created.v1"]);
    app::endpoint(&service, &brand, &receiver.url, &kinds).await;
    // Campaign's stream may be behind tracking's.
    let of_brand = ("camp1", Some("brand1"));
    app::link(&mut service, "spring", of_brand, "partner1").await;
    let arrived = receiver.until(1).await.remove(0);
    assert_eq!(arrived.subject(), "spring");
    assert_eq!(arrived.body["data"]["campaign_id"], "camp1");
    service.stop().await;
}

#[tokio::test]
async fn after_a_rotation_both_secrets_verify_for_as_long_as_was_said() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(
        &service,
        &brand,
        &receiver.url,
        &["conversion.attributed.v1"],
    )
    .await;
    let before = secret(&service, &id, &brand).await;
    let (rotate, test) = (
        format!("{WEBHOOKS}/{id}/rotate"),
        format!("{WEBHOOKS}/{id}/test"),
    );
    let overlap = json!({"overlap_seconds": 3_600});
    app::post(&service, &rotate, &brand, &overlap, StatusCode::OK).await;
    let after = secret(&service, &id, &brand).await;
    app::post(&service, &test, &brand, &json!({}), StatusCode::OK).await;
    let tested = receiver.until(1).await.remove(0);
    assert_eq!(tested.kind(), "webhook_endpoint.tested.v1");
    assert!(tested.is_signed_with(&before) && tested.is_signed_with(&after));
    service.advance_clock(3_600).await;
    app::post(&service, &test, &brand, &json!({}), StatusCode::OK).await;
    let tested = receiver.until(2).await.remove(1);
    assert!(!tested.is_signed_with(&before) && tested.is_signed_with(&after));
    service.stop().await;
}

#[tokio::test]
async fn a_receiver_that_was_away_for_an_hour_is_sent_everything_in_order_and_each_once() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    receiver.answer("*", 503);
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    let orders = ["order1", "order2", "order3"];
    for order in orders {
        app::sale(&mut service, order, "brand1", "partner1").await;
        app::refund(&mut service, order, 1_000).await;
    }
    // Of each order only what came first is tried.
    let tried = receiver.until(3).await;
    assert!(tried.iter().all(|it| it.kind() == SALES[0]));
    service.advance_clock(60).await;
    let tried = receiver.until(6).await;
    assert!(tried.iter().all(|it| it.kind() == SALES[0]));
    service.advance_clock(3_600).await;
    receiver.until(9).await;
    receiver.answer("*", 200);
    service.advance_clock(3_600).await;
    app::until_deliveries(&service, &id, "delivered", 6).await;
    let arrived = receiver.received().split_off(9);
    assert_eq!(arrived.len(), 6);
    for order in orders {
        assert_eq!(kinds_of(&arrived, order), SALES);
    }
    let mut times: HashMap<&str, usize> = HashMap::new();
    for it in &arrived {
        *times.entry(&it.id).or_default() += 1;
    }
    assert_eq!(times.len(), 6);
    // Its id is the same each time.
    assert!(tried.iter().all(|it| times.contains_key(it.id.as_str())));
    service.stop().await;
}

#[tokio::test]
async fn what_is_not_taken_of_one_order_keeps_no_other_waiting() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    receiver.answer("order1", 500);
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    receiver.until(1).await;
    app::refund(&mut service, "order1", 1_000).await;
    app::sale(&mut service, "order2", "brand1", "partner1").await;
    app::refund(&mut service, "order2", 1_000).await;
    let delivered = app::until_deliveries(&service, &id, "delivered", 2).await;
    assert!(delivered.iter().all(|it| it["subject"] == "order2"));
    let waiting = app::until_deliveries(&service, &id, "pending", 2).await;
    assert!(waiting.iter().all(|it| it["subject"] == "order1"));
    let attempted = waiting.iter().find(|it| it["attempts"] != 0).unwrap();
    let path = format!("{DELIVERIES}/{}", attempted["id"].as_str().unwrap());
    let details = app::get(&service, &path, &brand).await;
    assert_eq!(details["attempts"][0]["status"], 500);
    assert_eq!(details["attempts"][0]["answer"], "as you like it");
    let (status, _) = service.get(&path, &testing::brand("brand2")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    service.stop().await;
}

#[tokio::test]
async fn an_attempt_is_shown_with_when_it_began() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    let delivered = app::until_deliveries(&service, &id, "delivered", 1).await;
    sqlx::query("UPDATE webhook_attempts SET took_ms = 1500")
        .execute(service.pool())
        .await
        .unwrap();
    let path = format!("{DELIVERIES}/{}", delivered[0]["id"].as_str().unwrap());
    let details = app::get(&service, &path, &brand).await;
    let moment = |shown: &Value| {
        let moment: Timestamp = serde_json::from_value(shown.clone()).unwrap();
        moment.0.get()
    };
    let attempt = &details["attempts"][0];
    let ended = moment(&details["delivery"]["ended_at"]);
    assert_eq!(ended - moment(&attempt["attempted_at"]), 1_500_000);
    service.stop().await;
}

/// So many endpoints of a brand that answer nothing.
async fn hanging(service: &TestService, brand: &str, count: usize) -> Vec<Receiver> {
    let mut hanging = Vec::new();
    for _ in 0..count {
        let receiver = Receiver::hanging().await;
        app::endpoint(service, brand, &receiver.url, &SALES).await;
        hanging.push(receiver);
    }
    hanging
}

#[tokio::test]
async fn receivers_that_hang_keep_no_other_waiting() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let hanging = hanging(&service, &brand, 8).await;
    let orders: Vec<_> = (0..12).map(|it| format!("order{it}")).collect();
    app::sales(&service, 1, &orders).await;
    for receiver in &hanging {
        receiver.until(8).await;
    }
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    app::sales(&service, 13, &["later".to_owned()]).await;
    app::until_deliveries(&service, &id, "delivered", 1).await;
    // No more at once than one endpoint may have.
    assert!(hanging.iter().all(|it| it.received().len() == 8));
    drop(hanging);
    service.stop().await;
}

#[tokio::test]
async fn an_owner_whose_many_receivers_hang_leaves_room_for_others() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let hanging = hanging(&service, &brand, 20).await;
    let orders: Vec<_> = (0..8).map(|it| format!("order{it}")).collect();
    app::sales(&service, 1, &orders).await;
    let under_way = || hanging.iter().map(|it| it.received().len()).sum::<usize>();
    until("many are under way", async || under_way() >= 64).await;
    let receiver = Receiver::start().await;
    let other = testing::partner("partner1");
    app::endpoint(&service, &other, &receiver.url, &SALES).await;
    app::sales(&service, 9, &["later".to_owned()]).await;
    receiver.until(1).await;
    assert!(under_way() <= 128, "{} of 256", under_way());
    drop(hanging);
    service.stop().await;
}

#[tokio::test]
async fn who_answers_410_is_sent_nothing_more_until_it_is_enabled() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    receiver.answer("order1", 410);
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    app::mail_address(&service, &brand).await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    until("the endpoint is disabled", || async {
        status(&service, &id).await == (json!("disabled"), json!("gone"))
    })
    .await;
    // Its owner is told by mail, which names the event that timelines have.
    let log = service.log().await;
    let disabled = log
        .iter()
        .find(|it| it.header.kind == "webhook_endpoint.disabled.v1");
    let disabled = disabled.unwrap().header.id;
    let mails = app::get(&service, "/api/v1/notify/mails", &testing::operator()).await;
    assert_eq!(
        mails["items"][0]["event_id"],
        disabled.to_string(),
        "{mails}"
    );
    app::sale(&mut service, "order2", "brand1", "partner1").await;
    let enable = format!("{WEBHOOKS}/{id}/enable");
    app::post(&service, &enable, &brand, &json!({}), StatusCode::OK).await;
    app::sale(&mut service, "order3", "brand1", "partner1").await;
    let arrived = receiver.until(2).await;
    assert_eq!(arrived[1].subject(), "order3");
    assert_eq!(status(&service, &id).await.0, "enabled");
    service.stop().await;
}

#[tokio::test]
async fn who_takes_nothing_for_days_is_sent_nothing_more_and_what_was_not_taken_can_be_sent_again()
{
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    receiver.answer("*", 500);
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    app::refund(&mut service, "order1", 1_000).await;
    for attempt in 1..=10 {
        receiver.until(attempt).await;
        let pending = if attempt == 10 { 1 } else { 2 };
        until("the attempt is noted", || async {
            let path = format!("{DELIVERIES}?endpoint_id={id}&state=pending");
            let list = app::get(&service, &path, &brand).await;
            let items = list["items"].as_array().unwrap().clone();
            let noted = items.iter().any(|it| it["attempts"] == attempt);
            items.len() == pending && (noted || pending == 1)
        })
        .await;
        service.advance_clock(30 * 3_600).await;
    }
    until("the endpoint is disabled", || async {
        status(&service, &id).await == (json!("disabled"), json!("failing"))
    })
    .await;
    let failed = app::until_deliveries(&service, &id, "failed", 1).await;
    receiver.answer("*", 200);
    let (enable, resend) = (
        format!("{WEBHOOKS}/{id}/enable"),
        format!("{WEBHOOKS}/{id}/resend"),
    );
    app::post(&service, &enable, &brand, &json!({}), StatusCode::OK).await;
    app::until_deliveries(&service, &id, "delivered", 1).await;
    let one = json!({"delivery_id": failed[0]["id"]});
    app::post(&service, &resend, &brand, &one, StatusCode::OK).await;
    app::until_deliveries(&service, &id, "delivered", 2).await;
    let all = json!({"since": failed[0]["created_at"]});
    let before = receiver.received().len();
    app::post(&service, &resend, &brand, &all, StatusCode::OK).await;
    let arrived = receiver.until(before + 2).await.split_off(before);
    assert_eq!(kinds_of(&arrived, "order1"), SALES);
    let nothing = json!({"delivery_id": "2b1f7f1e-8a55-5d0c-9c39-0d5a7b1c2e3f"});
    let refused = app::post(&service, &resend, &brand, &nothing, StatusCode::NOT_FOUND).await;
    assert_eq!(refused["code"], "webhook_delivery_unknown");
    assert_eq!(status(&service, &id).await.0, "enabled");
    service.stop().await;
}

/// How many deliveries of these wait.
async fn waiting(service: &TestService, kind: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending' AND kind = $1",
    )
    .bind(kind)
    .fetch_one(service.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn a_long_range_is_sent_again_a_part_at_a_time_and_gives_the_endpoint_not_up() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    receiver.answer("*", 500);
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    let sent = "INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at, state, ended_at)
                SELECT gen_random_uuid(), $1, 'order' || n, gen_random_uuid(), $2, '{\"subject\": \"order\"}', $3 + n, 0, 'delivered', 0
                  FROM generate_series(1, $4) n";
    let began = clock::real().get() - 3_600_000_000;
    for (kind, from, count) in [
        ("of.before", began - 500, 500),
        ("of.range", began, 12_500),
        ("of.after", began + 12_500, 500),
    ] {
        let sent = sqlx::query(sent).bind(&id).bind(kind).bind(from);
        sent.bind(count).execute(service.pool()).await.unwrap();
    }
    let (since, until_then) = (
        Timestamp(Micros(began + 1)),
        Timestamp(Micros(began + 12_501)),
    );
    let range = json!({"since": since, "until": until_then});
    let resend = format!("{WEBHOOKS}/{id}/resend");
    app::post(&service, &resend, &brand, &range, StatusCode::OK).await;
    // Parts of a thousand from the first of the range on, and none more behind 10,000.
    until("as many wait as may", || async {
        waiting(&service, "of.range").await == 10_000
    })
    .await;
    sqlx::query(
        "UPDATE webhook_deliveries SET state = 'delivered', ended_at = 1 WHERE state = 'pending'",
    )
    .execute(service.pool())
    .await
    .unwrap();
    let test = format!("{WEBHOOKS}/{id}/test");
    app::post(&service, &test, &brand, &json!({}), StatusCode::OK).await;
    until("the others wait, and the range is done", || async {
        waiting(&service, "of.range").await == 2_500
            && testing::rows(service.pool(), "webhook_resends")
                .await
                .is_empty()
    })
    .await;
    assert_eq!(waiting(&service, "of.before").await, 0);
    assert_eq!(waiting(&service, "of.after").await, 0);
    assert_eq!(status(&service, &id).await.0, "enabled");
    service.stop().await;
}

#[tokio::test]
async fn what_is_sent_again_waits_behind_what_is_tried_again_of_the_same_subject() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    let later = clock::real().get() + 3_600_000_000;
    let sent = "INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at, state, ended_at)
                VALUES (gen_random_uuid(), $1, 'order1', gen_random_uuid(), 'first', '{}', $2, $3, 'pending', NULL),
                       (gen_random_uuid(), $1, 'order1', gen_random_uuid(), 'second', '{}', $2, 0, 'delivered', 0)";
    let now = clock::real().get();
    let sent = sqlx::query(sent).bind(&id).bind(now).bind(later);
    sent.execute(service.pool()).await.unwrap();
    let range = json!({"since": Timestamp(Micros(now - 1))});
    let resend = format!("{WEBHOOKS}/{id}/resend");
    app::post(&service, &resend, &brand, &range, StatusCode::OK).await;
    until("the second waits", || async {
        waiting(&service, "second").await == 1
    })
    .await;
    let due = "SELECT next_at FROM webhook_deliveries ORDER BY position";
    let due: Vec<i64> = sqlx::query_scalar(due)
        .fetch_all(service.pool())
        .await
        .unwrap();
    assert_eq!(due, [later, i64::MAX]);
    for shown in app::until_deliveries(&service, &id, "pending", 2).await {
        let next_at = serde_json::to_value(Timestamp(Micros(later))).unwrap();
        assert_eq!(shown["next_at"], next_at, "not before the first");
    }
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_enabled_again_is_sent_at_once_what_waited_from_its_first_attempt_on() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    let later = clock::real().get() + 3_600_000_000;
    let waiting = "INSERT INTO webhook_deliveries (id, endpoint_id, subject, event_id, kind, body, created_at, next_at, attempts)
                   SELECT gen_random_uuid(), $1, 'order1', gen_random_uuid(), 'waits', '{\"subject\": \"order1\"}', $2, $3, 9
                     FROM generate_series(1, 2)";
    let waiting = sqlx::query(waiting).bind(&id).bind(clock::real().get());
    waiting.bind(later).execute(service.pool()).await.unwrap();
    // The tenth attempt would have been the last.
    receiver.answer("*", 500);
    for act in ["disable", "enable"] {
        let path = format!("{WEBHOOKS}/{id}/{act}");
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
    }
    receiver.until(1).await;
    until("the attempt is noted as the first", || async {
        let attempts: Vec<i32> =
            sqlx::query_scalar("SELECT attempts FROM webhook_deliveries ORDER BY position")
                .fetch_all(service.pool())
                .await
                .unwrap();
        matches!(attempts[..], [1..=8, 0])
    })
    .await;
    receiver.answer("*", 200);
    service.advance_clock(3_600).await;
    app::until_deliveries(&service, &id, "delivered", 2).await;
    assert_eq!(status(&service, &id).await.0, "enabled");
    service.stop().await;
}

#[tokio::test]
async fn what_an_endpoint_took_is_not_sent_again_while_the_database_takes_no_note_of_it() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    // A sequence keeps count of what is rolled back.
    let refuse = "CREATE SEQUENCE tries;
                  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                  $$BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'the disk is full'; END$$;
                  CREATE TRIGGER refuse BEFORE INSERT ON webhook_attempts FOR EACH ROW EXECUTE FUNCTION refuse();";
    sqlx::raw_sql(refuse).execute(service.pool()).await.unwrap();
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    until("three notes failed", || async {
        let tries = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tries";
        let tries: i64 = sqlx::query_scalar(tries)
            .fetch_one(service.pool())
            .await
            .unwrap();
        tries >= 3
    })
    .await;
    sqlx::raw_sql("DROP TRIGGER refuse ON webhook_attempts")
        .execute(service.pool())
        .await
        .unwrap();
    app::until_deliveries(&service, &id, "delivered", 1).await;
    assert_eq!(receiver.received().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn a_late_answer_about_what_was_taken_already_puts_off_nothing_behind_it() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::hanging().await;
    receiver.answer("*", 500);
    app::endpoint(&service, &brand, &receiver.url, &SALES).await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    receiver.until(1).await;
    app::refund(&mut service, "order1", 1_000).await;
    // Another process, which leads meanwhile, has sent it.
    let later = clock::real().get() + 3_600_000_000;
    sqlx::query("UPDATE webhook_deliveries SET next_at = $1, state = 'pending'")
        .bind(later)
        .execute(service.pool())
        .await
        .unwrap();
    let taken = "UPDATE webhook_deliveries SET state = 'delivered', attempts = 1, ended_at = 1
                  WHERE position = (SELECT min(position) FROM webhook_deliveries)";
    sqlx::query(taken).execute(service.pool()).await.unwrap();
    receiver.release();
    until("the attempt is noted", || async {
        !testing::rows(service.pool(), "webhook_attempts")
            .await
            .is_empty()
    })
    .await;
    let due = "SELECT next_at FROM webhook_deliveries WHERE state = 'pending'";
    let due: Vec<i64> = sqlx::query_scalar(due)
        .fetch_all(service.pool())
        .await
        .unwrap();
    assert_eq!(due, [later]);
    service.stop().await;
}

#[tokio::test]
async fn replaying_the_log_sends_nothing_and_a_fact_that_comes_again_neither() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let receiver = Receiver::start().await;
    let id = app::endpoint(&service, &brand, &receiver.url, &[]).await;
    let test = format!("{WEBHOOKS}/{id}/test");
    app::post(&service, &test, &brand, &json!({}), StatusCode::OK).await;
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    app::until_deliveries(&service, &id, "delivered", 2).await;
    service
        .assert_replay_finds_and_mends_what_hands_changed::<Notify>()
        .await;
    app::sale(&mut service, "order2", "brand1", "partner1").await;
    app::until_deliveries(&service, &id, "delivered", 3).await;
    assert_eq!(receiver.received().len(), 3);
    service.stop().await;
}
