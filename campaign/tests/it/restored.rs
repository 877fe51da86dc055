//! A copy of the database is another one: nothing is taken or sent until an operator says what it is.

use axum::http::StatusCode;
use campaign::CampaignDomain;
use runtime::testing::{self, TestService, variables};
use schemas::Service;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::app::{self, CAMPAIGNS, campaign};

const EPOCH: &str = "/api/v1/operator/campaign/epoch";

/// A copy of a stopped service's database: what a backup restored elsewhere is.
async fn copy(url: &str) -> String {
    let (server, name) = url.rsplit_once('/').unwrap();
    let admin = format!("{server}/postgres");
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    let mut left = 1;
    while left > 0 {
        left = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = $1",
        )
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    }
    let sql = format!("CREATE DATABASE {name}_copy TEMPLATE {name}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    format!("{url}_copy")
}

#[tokio::test]
async fn a_database_that_was_restored_elsewhere_closes_the_transports_until_an_operator_decides() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    app::post(
        &service,
        CAMPAIGNS,
        &brand,
        &campaign("camp1"),
        StatusCode::CREATED,
    )
    .await;
    let url = service.database_url.clone();
    let pool = service.pool().clone();
    service.stop().await;
    pool.close().await;
    let restored = variables(Service::Campaign, &copy(&url).await);
    let service = TestService::start_with::<CampaignDomain>(campaign::define, restored).await;
    testing::until("the service says that it is not ready, and why", || async {
        let (status, ready) = service.get("/ready", "").await;
        let text = ready.to_string();
        status == StatusCode::SERVICE_UNAVAILABLE
            && text.contains("docs/runbooks/restore.md")
            && text.contains("epoch raise")
    })
    .await;
    let (status, _) = service.get(&format!("{CAMPAIGNS}/camp1"), &brand).await;
    assert!(status.is_server_error(), "{status}");

    let operator = testing::operator();
    let shown = app::get(&service, EPOCH, &operator).await;
    assert_eq!(shown["epoch"], 1);
    assert!(
        shown["not_recognised"]
            .as_str()
            .unwrap()
            .contains("is a copy"),
        "{shown}"
    );
    let body = json!({"reason": "restored from last night"});
    let (status, problem) = service
        .post(&format!("{EPOCH}/raise"), &operator, &body)
        .await;
    assert_eq!(
        status,
        StatusCode::SERVICE_UNAVAILABLE,
        "no follower runs here: {problem}"
    );
    let (status, _) = service.post(&format!("{EPOCH}/keep"), &brand, &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, problem) = service
        .post(&format!("{EPOCH}/keep"), &operator, &json!({}))
        .await;
    assert!(status.is_client_error(), "an act has a reason: {problem}");

    for (source, epoch) in [("nobody", 2), ("tracking", 1)] {
        let wanted = json!({"reason": "x", "source": source, "epoch": epoch});
        let (status, problem) = service
            .post(&format!("{EPOCH}/accept"), &operator, &wanted)
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }

    let (status, _) = service
        .post(&format!("{EPOCH}/keep"), &operator, &body)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    testing::until("the service goes on", || async {
        let (status, _) = service.get(&format!("{CAMPAIGNS}/camp1"), &brand).await;
        status == StatusCode::OK
    })
    .await;
    app::post(
        &service,
        CAMPAIGNS,
        &brand,
        &campaign("camp2"),
        StatusCode::CREATED,
    )
    .await;
    let audit = app::get(&service, "/api/v1/operator/campaign/audit", &operator).await;
    assert_eq!(audit["items"][0]["action"], "epoch.keep", "{audit}");
    assert_eq!(audit["items"][0]["reason"], "restored from last night");
}
