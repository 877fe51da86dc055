//! The database's password is changed while the bff runs.

use axum::http::StatusCode;
use runtime::testing::{TestService, new_database, until, variables};
use schemas::Service;
use sqlx::{AssertSqlSafe, PgPool};

use crate::app::{accept, acceptance, partner123};

async fn run(pool: &PgPool, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

/// The role and the database that the bff has where it is given a password alone.
async fn own_database() -> (PgPool, String) {
    let url = new_database().await;
    let pool = PgPool::connect(&url).await.unwrap();
    run(&pool, "CREATE ROLE bff LOGIN PASSWORD 'first'").await;
    run(&pool, "CREATE DATABASE bff_db OWNER bff").await;
    let port = url.rsplit_once(':').unwrap().1;
    (pool, port.split('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_new_password_in_its_file_is_used_without_a_restart_and_after_one() {
    let (admin, port) = own_database().await;
    let file = std::env::temp_dir().join(format!("bff-password-{}", uuid::Uuid::now_v7()));
    std::fs::write(&file, "first\n").unwrap();
    let mut variables = variables(Service::Bff, "");
    variables.extend(
        [
            ("POSTGRES_PORT", port),
            ("BFF_DB_PASSWORD_FILE", file.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let app = TestService::start_with(bff::define, variables.clone()).await;
    accept(&app, &partner123()).await;

    // In a URL these letters would end the password, or stand for another.
    run(&admin, "ALTER ROLE bff PASSWORD 'it''s @ a/b#c%41'").await;
    let path = "/api/v1/campaigns/camp123/accept";
    let (status, _) = app.post(path, &partner123(), &acceptance()).await;
    assert_eq!(
        status,
        StatusCode::ACCEPTED,
        "connections that are open stay"
    );
    std::fs::write(&file, "it's @ a/b#c%41\n").unwrap();
    let cut = "SELECT pg_terminate_backend(pid), clock_timestamp()::text FROM pg_stat_activity WHERE usename = 'bff'";
    let cut: Vec<(bool, String)> = sqlx::query_as(cut).fetch_all(&admin).await.unwrap();
    let (_, at) = cut.last().unwrap();
    until("new connections are opened", || async {
        let (status, _) = app.post(path, &partner123(), &acceptance()).await;
        let opened = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bff' AND backend_start > $1::timestamptz";
        let opened = sqlx::query_scalar(opened).bind(at).fetch_one(&admin);
        let opened: i64 = opened.await.unwrap();
        status == StatusCode::ACCEPTED && opened > 0
    })
    .await;
    // Connections that were cut do not keep it from saying that it ended by itself.
    app.stop().await;
    let again = TestService::start_with(bff::define, variables).await;
    accept(&again, &partner123()).await;
    again.stop().await;
    std::fs::remove_file(file).unwrap();
}
