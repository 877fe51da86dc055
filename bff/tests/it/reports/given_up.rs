//! Whoever asks for a report and goes away.

use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join;
use runtime::testing::{operator, until};
use tokio::time::timeout;

use super::REPORTS;
use crate::app::bff;

#[tokio::test]
async fn a_report_that_nobody_waits_for_any_more_has_its_turn_until_the_database_is_done() {
    let app = bff().await;
    let mut lock = messaging::begin(app.pool(), "BEGIN").await.unwrap();
    let lock_it = "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE report_horizon IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock_it).execute(&mut *lock).await.unwrap();
    let operator = operator();
    // Whoever comes once two have gone has to wait: their reports are still being made.
    until("whoever comes next has to wait", || async {
        let two = join(app.get(REPORTS, &operator), app.get(REPORTS, &operator));
        let _gone = timeout(Duration::from_secs(1), two).await;
        let (status, problem) = app.get(REPORTS, &operator).await;
        let is_refused = problem["code"] == "overloaded";
        assert!(!is_refused || status == StatusCode::SERVICE_UNAVAILABLE);
        is_refused
    })
    .await;
    lock.rollback().await.unwrap();
    until("their turns are over", || async {
        app.get(REPORTS, &operator).await.0 == StatusCode::OK
    })
    .await;
}
