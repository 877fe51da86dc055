//! A ledger whose log's old part left the table.

use std::path::PathBuf;

use axum::Router;
use axum::routing::get;
use runtime::testing::{message, operator, partner, serve, unmade_database, until};
use schemas::Topic;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, calculated, payment_variables};
use crate::provider::Provider;

/// Somebody who answers for every follower: each has all that there is.
async fn followers() -> String {
    let stands = || async { axum::Json(json!({ "watermark": 1_000_000, "mode": "http" })) };
    let router = Router::new().route("/internal/v1/watermarks", get(stands));
    serve(router).await
}

async fn act(app: &App, verb: &str, more: Value) -> Value {
    let mut body = more;
    body["reason"] = json!("a test");
    let path = format!("/api/v1/operator/payment/archive/{verb}");
    let (status, answer) = app.service.post(&path, &operator(), &body).await;
    assert!(status.is_success(), "{path}: {answer}");
    answer
}

/// All that moved in the partner's account, page by page.
async fn entries(app: &App) -> Vec<Value> {
    let path = "/api/v1/payment/accounts/partner:partner123:payable:USD/entries?limit=50";
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{path}{cursor}");
        let (status, page) = app.service.get(&path, &partner("partner123")).await;
        assert!(status.is_success(), "{page}");
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            return items;
        };
        cursor = format!("&cursor={next}");
    }
}

/// A ledger whose log's parts have 64 positions each, and the folder of their files.
async fn with_archive() -> (App, PathBuf) {
    let url = followers().await;
    let folder = std::env::temp_dir().join(format!("tributary-{}", Uuid::now_v7()));
    let provider = Provider::start().await;
    let mut variables = payment_variables(&unmade_database(), &provider, 5_000);
    variables.insert("LOG_PARTITION_POSITIONS".to_owned(), "64".to_owned());
    variables.insert("ARCHIVE_FOLDER".to_owned(), folder.display().to_string());
    for follower in ["BFF", "CAMPAIGN", "TRACKING", "COMMISSION", "NOTIFY"] {
        variables.insert(format!("{follower}_SERVICE_URL"), url.clone());
    }
    let app = App::with(provider, variables, payment::define).await;
    (app, folder)
}

#[tokio::test]
async fn what_an_entry_is_about_is_shown_as_before_when_its_event_left_the_table() {
    let (mut app, folder) = with_archive().await;
    for _ in 0..150 {
        app.earn("partner123", 100).await;
    }
    let before = entries(&app).await;
    assert_eq!(before.len(), 150);
    for verb in ["run", "verify"] {
        act(&app, verb, json!({})).await;
    }
    let dropped = act(&app, "drop", json!({ "keep_positions": 0 })).await;
    assert!(dropped["dropped_to"].as_i64() >= Some(127), "{dropped}");
    let after = entries(&app).await;
    assert_eq!(after, before);
    app.service.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// So many earnings of the partner, each in a part of the log of its own, and one part more.
async fn earn_far_apart(app: &App, many: i64) {
    let mut sequence = 0;
    for _ in 0..=many {
        let part: Vec<_> = (0..64)
            .map(|at| {
                let who = if at == 0 { "partner123" } else { "partner9" };
                let conversion = format!("conv-{}", Uuid::now_v7());
                sequence += 1;
                let body = calculated(who, 100, "USD", "approved").into();
                let topic = Topic::CommissionEvents;
                message(topic, &conversion, &conversion, body, Some(sequence))
            })
            .collect();
        let answers = app.service.deliver_all(Topic::CommissionEvents, part).await;
        assert!(answers.iter().all(|answer| answer.name() == "done"));
    }
}

#[tokio::test]
async fn a_page_of_entries_far_apart_opens_few_files_and_shows_all_amounts_without_them() {
    let (app, folder) = with_archive().await;
    earn_far_apart(&app, 12).await;
    until("twelve parts left the table", || async {
        for verb in ["run", "verify"] {
            act(&app, verb, json!({})).await;
        }
        // Four parts at once, and none while somebody reads the log.
        let path = "/api/v1/operator/payment/archive/drop";
        let body = json!({ "keep_positions": 0, "reason": "a test" });
        let (_, dropped) = app.service.post(path, &operator(), &body).await;
        dropped["dropped_to"].as_i64() >= Some(12 * 64 - 1)
    })
    .await;
    let path = "/api/v1/payment/accounts/partner:partner123:payable:USD/entries";
    let page = async |query: &str| {
        let path = format!("{path}?{query}");
        let (status, page) = app.service.get(&path, &partner("partner123")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    };
    let known = |items: &[Value]| {
        items
            .iter()
            .filter(|it| it["event_type"].is_string())
            .count()
    };

    let items = page("limit=50").await;
    assert_eq!(items.len(), 13);
    assert!(items.iter().all(|it| it["amount"] == "1.00"));
    let in_files = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM transfers t WHERE credit = 'partner:partner123:payable'
            AND NOT EXISTS (SELECT FROM pipeline.message_log l WHERE l.position = t.position)",
    );
    let in_files = in_files.fetch_one(app.service.pool()).await.unwrap();
    let in_files = usize::try_from(in_files).unwrap();
    assert!(in_files >= 11, "{in_files}");
    assert_eq!(
        known(&items),
        13 - in_files + 8,
        "a file was read for each of eight"
    );
    assert_eq!(items.last().unwrap()["subject"], Value::Null);
    let oldest = page(&format!(
        "limit=4&cursor={}",
        cursor_behind(&app, path, 9).await
    ))
    .await;
    assert_eq!(
        (oldest.len(), known(&oldest)),
        (4, 4),
        "a smaller page has them"
    );

    std::fs::remove_dir_all(&folder).unwrap();
    let items = page("limit=50").await;
    assert!(items.iter().all(|it| it["amount"] == "1.00"));
    assert_eq!((items.len(), known(&items)), (13, 13 - in_files));
    app.service.stop().await;
}

/// Where a list goes on behind so many of its items.
async fn cursor_behind(app: &App, path: &str, items: usize) -> String {
    let path = format!("{path}?limit={items}");
    let (_, page) = app.service.get(&path, &partner("partner123")).await;
    page["next_cursor"].as_str().unwrap().to_owned()
}
