//! The public edge and the queue when the database hangs.

use axum::http::StatusCode;
use reqwest::Response;
use runtime::testing::{TestService, operator};

use crate::app::*;

async fn get(service: &TestService, path: &str) -> Response {
    let url = format!("{}{path}", service.base_url);
    service.client.get(url).send().await.unwrap()
}

#[tokio::test]
async fn visitors_go_on_while_clicks_hang_and_an_unknown_link_gets_503() {
    let service = start_with_link().await;
    click(&service, "lnk_1", "user0").await;
    let pool = sqlx::PgPool::connect(&service.database_url).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE clicks, links IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let visits = (0..100).map(|_| get(&service, "/c/lnk_1"));
    let (visits, unknown) =
        tokio::join!(futures::future::join_all(visits), get(&service, "/c/lnk_2"));
    for visit in visits {
        assert_eq!(visit.status(), StatusCode::FOUND);
    }
    assert_eq!(unknown.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unknown.headers()["retry-after"], "1");
    holder.rollback().await.unwrap();
    service.stop().await;
}

#[tokio::test]
async fn a_report_beyond_the_queues_bound_gets_503_and_when_to_come_again() {
    let service = start_with_link().await;
    let holder = service.hold_writer_lock().await;
    let filled = service.fill_its_flow();
    let request = service.client.post(format!("{}{EVENTS}", service.base_url));
    let refused = request
        .bearer_auth(operator())
        .json(&purchase("user1", "10"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(holder);
    filled.await.unwrap();
    service.stop().await;
}
