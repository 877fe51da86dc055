//! A ledger whose log's old part left the table.

use axum::Router;
use axum::routing::get;
use runtime::testing::{operator, partner, serve, unmade_database};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, payment_variables};
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

#[tokio::test]
async fn what_an_entry_is_about_is_shown_as_before_when_its_event_left_the_table() {
    let url = followers().await;
    let folder = std::env::temp_dir().join(format!("tributary-{}", Uuid::now_v7()));
    let provider = Provider::start().await;
    let mut variables = payment_variables(&unmade_database(), &provider, 5_000);
    variables.insert("LOG_PARTITION_POSITIONS".to_owned(), "64".to_owned());
    variables.insert("ARCHIVE_FOLDER".to_owned(), folder.display().to_string());
    for follower in ["BFF", "CAMPAIGN", "TRACKING", "COMMISSION", "NOTIFY"] {
        variables.insert(format!("{follower}_SERVICE_URL"), url.clone());
    }
    let mut app = App::with(provider, variables, payment::define).await;
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
