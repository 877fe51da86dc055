use axum::http::StatusCode;
use runtime::testing::{operator, partner, rows, until};
use serde_json::json;
use types::ids::Asker;

use crate::app::{App, payout};

#[tokio::test]
async fn a_partner_is_paid_once_and_a_second_payout_of_the_same_money_is_refused() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let id = app.granted("partner123", "150.00").await;
    app.until_status(&id, "paid").await;
    assert_eq!(app.balance("partner123", "payable").await, "50.00");
    assert_eq!(app.balance("partner123", "paid_out").await, "150.00");
    let (status, problem) = app.request("partner123", "150").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "insufficient_balance");
    assert_eq!(problem["errors"][0]["pointer"], "/amount");
    assert_eq!(app.provider.taken().await, [id]);
    app.assert_state_is_the_fold_of_its_log().await;
    app.service
        .assert_replay_finds_and_mends_what_hands_changed::<payment::Payment>()
        .await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_paid_again() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let (path, token) = ("/api/v1/payment/payouts", partner("partner123"));
    let post = |key, amount| {
        let (service, token) = (&app.service, token.clone());
        async move {
            service
                .post_with_key(path, &token, key, &payout(amount))
                .await
        }
    };
    let (status, first) = post("k1", "10.00").await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, again) = post("k1", "10.00").await;
    assert_eq!((status, &again["id"]), (StatusCode::CREATED, &first["id"]));
    let (status, problem) = post("k1", "11.00").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "idempotency_key_reused");
    let asker = Asker {
        subject: "partner123",
        partner: Some("partner123"),
        brand: None,
    };
    let service = &app.service;
    service.assert_commands_follow_from(&[asker], &["k1"]).await;
    app.until_status(first["id"].as_str().unwrap(), "paid")
        .await;
    assert_eq!(app.provider.taken().await.len(), 1);
}

#[tokio::test]
async fn two_replicas_never_spend_one_balance_twice() {
    let mut app = App::start().await;
    app.earn("partner123", 10_000).await;
    let replica = app.replica().await;
    let (path, token) = ("/api/v1/payment/payouts", partner("partner123"));
    let body = payout("80.00");
    let (one, other) = tokio::join!(
        app.service.post(path, &token, &body),
        replica.post(path, &token, &body)
    );
    let granted = [&one, &other].map(|(status, _)| *status == StatusCode::CREATED);
    assert_eq!(granted.iter().filter(|granted| **granted).count(), 1);
    let id = if granted[0] { one.1 } else { other.1 };
    app.until_status(id["id"].as_str().unwrap(), "paid").await;
    assert_eq!(app.provider.taken().await.len(), 1);
    assert_eq!(app.balance("partner123", "payable").await, "20.00");
}

#[tokio::test]
async fn account_details_stand_nowhere_in_the_clear() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let id = app.granted("partner123", "10.00").await;
    app.until_status(&id, "paid").await;
    assert_eq!(app.payout(&id).await["destination"], "c***@example.com");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT schemaname || '.' || tablename FROM pg_tables
          WHERE schemaname IN ('public', 'pipeline', 'aside')",
    )
    .fetch_all(app.service.pool())
    .await
    .unwrap();
    let hex = "63616e6172792d37663361";
    for table in tables {
        let dump = rows(app.service.pool(), &table).await.join("\n");
        assert!(!dump.contains("canary-7f3a"), "{table}");
        assert!(!dump.contains(hex), "{table}");
    }
}

#[tokio::test]
async fn payouts_are_listed_newest_first_in_pages() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(app.granted("partner123", "1.00").await);
    }
    let path = "/api/v1/payment/payouts?limit=2";
    let (_, page) = app.service.get(path, &operator()).await;
    assert_eq!(page["items"][0]["id"], json!(ids[2]));
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, rest) = app
        .service
        .get(&format!("{path}&cursor={cursor}"), &operator())
        .await;
    assert_eq!(rest["items"][0]["id"], json!(ids[0]));
    assert_eq!(rest["next_cursor"], json!(null));
    for id in &ids {
        app.until_status(id, "paid").await;
    }
    let (_, unpaid) = app
        .service
        .get("/api/v1/payment/payouts?status=requested", &operator())
        .await;
    assert_eq!(unpaid["items"], json!([]));
}

#[tokio::test]
async fn what_failed_is_found_without_reading_all_that_is_done() {
    let app = App::start().await;
    for sql in [
        "INSERT INTO payouts SELECT 'done' || n, n, 'partner1', 100, 'USD', 'paypal', '***', 'paid', 1, n, 'r', NULL, n, n, gen_random_uuid()
           FROM generate_series(1, 20000) n",
        "INSERT INTO bank_transfers SELECT 'deposit', 'done' || n, n, 'brand1', NULL, 100, 'USD', NULL, 'done', NULL, n, n
           FROM generate_series(1, 20000) n",
        "ANALYZE payouts, bank_transfers",
    ] {
        sqlx::query(sql).execute(app.service.pool()).await.unwrap();
    }
    for (list, index) in [
        ("payouts", "payouts_failed"),
        ("deposits", "bank_transfers_not_done"),
    ] {
        let path = format!("/api/v1/payment/{list}?status=failed");
        until("the list is read by its index", || async {
            let (status, body) = app.service.get(&path, &operator()).await;
            assert_eq!((status, &body["items"]), (StatusCode::OK, &json!([])));
            let used = "SELECT idx_scan > 0 FROM pg_stat_user_indexes WHERE indexrelname = $1";
            let used = sqlx::query_scalar(used).bind(index);
            used.fetch_one(app.service.pool()).await.unwrap()
        })
        .await;
    }
    app.service.stop().await;
}
