//! What clients note, and who a visitor is, stands in no message; on request it is erased.

use axum::http::StatusCode;
use runtime::testing::{TestService, brand, operator, rows};
use serde_json::{Value, json};

use crate::app::bff;

const VISITOR: &str = "qvisitor7f3a";
const NOTE: &str = "qnote7f3a";
const ERASURES: &str = "/api/v1/erasures";

async fn taken(app: &TestService, token: &str, path: &str, body: &Value) {
    let (status, answer) = app.post(path, token, body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{path}: {answer}");
}

/// The tables that hold it, as it is or among a message's bytes.
async fn holding(app: &TestService, text: &str) -> Vec<String> {
    let sql = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'pipeline')";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(app.pool()).await.unwrap();
    let digits = types::hex(text.as_bytes());
    let mut found = Vec::new();
    for table in tables {
        let rows = rows(app.pool(), &table).await;
        if rows
            .iter()
            .any(|row| row.contains(text) || row.contains(&digits))
        {
            found.push(table);
        }
    }
    found.retain(|table| !table.contains("message_log_")); // its partitions
    found.sort();
    found
}

#[tokio::test]
async fn a_visitors_id_and_what_clients_note_are_in_no_message_and_notes_are_erased() {
    let app = bff().await;
    let report = |order: &str| {
        json!({"user_id": VISITOR, "event_type": "purchase", "amount": "10", "order_id": order,
            "metadata": {"note": NOTE}})
    };
    let shop = brand("brand1");
    taken(
        &app,
        &shop,
        "/api/v1/tracking/events",
        &report("qorder7f3a"),
    )
    .await;
    let bind = "/api/v1/tracking/clicks/clk_1/visitor";
    taken(&app, &shop, bind, &json!({"user_id": VISITOR})).await;
    // What may be there is found: a search that finds nothing shows nothing.
    assert_eq!(holding(&app, "qorder7f3a").await, ["pipeline.message_log"]);
    assert_eq!(holding(&app, VISITOR).await, [""; 0]);
    let notes = "public.command_notes";
    assert_eq!(holding(&app, NOTE).await, [notes]);

    let whom = |brand: &str| json!({"brand_id": brand, "user_id": VISITOR});
    let (status, _) = app.post(ERASURES, &shop, &whom("brand1")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    taken(&app, &operator(), ERASURES, &whom("brand2")).await;
    assert_eq!(
        holding(&app, NOTE).await,
        [notes],
        "another brand's visitor"
    );
    taken(&app, &operator(), ERASURES, &whom("brand1")).await;
    assert_eq!(holding(&app, NOTE).await, [""; 0]);
    assert_eq!(holding(&app, VISITOR).await, [""; 0]);
    app.stop().await;
}
