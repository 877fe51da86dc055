//! A copy of the database is another one: nothing is taken or sent until an operator says what it is.

use axum::http::StatusCode;
use campaign::CampaignDomain;
use chassis::auth::Claims;
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

    // Those who follow each other may all have gone back.
    let path = "/internal/v1/watermarks?epoch=1&topic=payment-events&partition=0&mode=http";
    let payment = Claims::new("payment", "payment", "campaign", 60);
    let payment = testing::mint(&payment);
    let stands = app::get(&service, path, &payment).await;
    assert_eq!(stands["watermark"], 0, "{stands}");

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

#[tokio::test]
async fn a_topic_is_sent_again_in_all_its_partitions_unless_one_is_named() {
    let url = testing::unmade_database();
    let mut variables = variables(Service::Campaign, &url);
    variables.insert("PULSAR_TOPIC_PARTITIONS".to_owned(), "4".to_owned());
    let service = TestService::start_with::<CampaignDomain>(campaign::define, variables).await;
    app::active_campaign(&service, "camp1").await;
    let rewind = "/api/v1/operator/campaign/relay/rewind";
    let operator = testing::operator();
    let mut body =
        json!({"reason": "restored", "topic": "campaign-events", "to": 0, "partition": 4});
    let never = app::post(&service, rewind, &operator, &body, StatusCode::CONFLICT).await;
    assert_eq!(never["code"], "relay_refused", "{never}");
    sqlx::query(
        "INSERT INTO pipeline.relay_cursor SELECT 'campaign-events', n, n, 1 FROM generate_series(0, 3) n
         ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position",
    )
    .execute(service.pool())
    .await
    .unwrap();
    // A follower that went back may stand in an older epoch.
    let raised = "INSERT INTO pipeline.epoch SELECT 2, position, 0 FROM pipeline.log_head; UPDATE pipeline.log_head SET epoch = 2";
    sqlx::raw_sql(raised).execute(service.pool()).await.unwrap();
    let one = |partition: i64| json!({"partition": partition, "from_position": partition, "to_position": 0});
    body["partition"] = json!(3);
    let third = app::post(&service, rewind, &operator, &body, StatusCode::OK).await;
    assert_eq!(third, json!({"partitions": [one(3)]}));
    body.as_object_mut().unwrap().remove("partition");
    let mut all = app::post(&service, rewind, &operator, &body, StatusCode::OK).await;
    assert_eq!(
        all["partitions"][3]["from_position"], 0,
        "it was rewound: {all}"
    );
    all["partitions"].as_array_mut().unwrap().truncate(3);
    assert_eq!(all, json!({"partitions": [one(0), one(1), one(2)]}));
}
