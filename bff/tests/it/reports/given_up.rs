//! Whoever asks for a report and goes away.

use axum::http::StatusCode;
use runtime::testing::{operator, until};

use super::REPORTS;
use crate::app::bff;

#[tokio::test]
async fn a_report_that_nobody_waits_for_any_more_has_its_turn_until_the_database_is_done() {
    let app = bff().await;
    let mut lock = messaging::begin(app.pool(), "BEGIN").await.unwrap();
    let lock_it = "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE report_horizon IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock_it).execute(&mut *lock).await.unwrap();
    let operator = operator();
    let waiting = async || {
        let sql = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE d.datname = current_database() AND l.locktype = 'relation' AND NOT l.granted";
        let count: i64 = sqlx::query_scalar(sql).fetch_one(app.pool()).await.unwrap();
        count
    };
    tokio::select! {
        _ = app.get(REPORTS, &operator) => panic!("the table is locked"),
        _ = app.get(REPORTS, &operator) => panic!("the table is locked"),
        () = until("two are being made", || async { waiting().await == 2 }) => {}
    }
    // Both have gone, and whoever comes next has to wait.
    let (status, problem) = app.get(REPORTS, &operator).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["code"], "overloaded");
    lock.rollback().await.unwrap();
    until("their turns are over", || async {
        app.get(REPORTS, &operator).await.0 == StatusCode::OK
    })
    .await;
}
