//! The command gateway needs Postgres alone.

use axum::http::StatusCode;
use runtime::testing::{TestService, unmade_database, variables};
use schemas::Service;
use sqlx::{Connection, PgConnection};

use crate::app::{acceptance, count, partner123};

#[tokio::test]
async fn a_stopped_broker_stops_no_command_from_being_taken() {
    let mut variables = variables(Service::Bff, &unmade_database());
    for service in ["CAMPAIGN", "TRACKING", "COMMISSION", "PAYMENT", "NOTIFY"] {
        variables.insert(format!("{service}_SERVICE_MODE"), "event".to_owned());
    }
    let nowhere = "pulsar://127.0.0.1:9".to_owned();
    variables.insert("PULSAR_SERVICE_URL".to_owned(), nowhere);
    let app = TestService::start_with(bff::define, variables).await;
    let path = "/api/v1/campaigns/camp123/accept";
    for _ in 0..3 {
        let (status, body) = app.post(path, &partner123(), &acceptance()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    }
    assert_eq!(count(&app, "pipeline.message_log").await, 3);
}

#[tokio::test]
async fn a_database_that_drops_every_connection_loses_no_command_and_doubles_none() {
    let app = TestService::start(bff::define).await;
    let path = "/api/v1/campaigns/camp123/accept";
    for _ in 0..4 {
        app.post(path, &partner123(), &acceptance()).await;
        let mut killer = PgConnection::connect(&app.database_url).await.unwrap();
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(&mut killer)
        .await
        .unwrap();
        let (status, body) = app.post(path, &partner123(), &acceptance()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    }
    assert_eq!(count(&app, "commands").await, 8);
    assert_eq!(count(&app, "pipeline.message_log").await, 8);
}
