//! A newer build beside this one.

use axum::http::StatusCode;
use runtime::testing;
use serde_json::json;

use crate::app::{self, CAMPAIGNS};

/// As its migrations leave tables, while this build goes on: a statement that was prepared before has other columns now.
#[tokio::test]
async fn a_column_that_a_newer_build_adds_stops_nobody() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let brand = testing::brand("brand1");
    let step = async |step: &str| {
        let path = format!("{CAMPAIGNS}/camp1/{step}");
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await
    };
    // More often than there are connections, each of which keeps what it prepared.
    for _ in 0..20 {
        step("pause").await;
        step("resume").await;
    }
    let statement =
        "ALTER TABLE campaigns ADD COLUMN later int; ALTER TABLE enrollments ADD COLUMN later int";
    sqlx::raw_sql(statement)
        .execute(service.pool())
        .await
        .unwrap();
    step("pause").await;
    step("resume").await;
    app::get(&service, &format!("{CAMPAIGNS}/camp1"), &brand).await;
    service.stop().await;
}
