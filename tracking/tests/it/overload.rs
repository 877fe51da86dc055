//! The public edge and the queue when the database hangs.

use axum::http::StatusCode;
use reqwest::Response;
use runtime::testing::{TestService, operator, partner, unmade_database, until};

use crate::app::*;

async fn get(service: &TestService, path: &str) -> Response {
    let url = format!("{}{path}", service.base_url);
    service.client.get(url).send().await.unwrap()
}

#[tokio::test]
async fn visitors_go_on_while_clicks_hang_and_an_unknown_link_gets_503() {
    let service = start_with_link_and(&[("CLICK_PATIENCE_MS", "1000")]).await;
    until("the link is remembered", || async {
        get(&service, "/c/lnk_1").await.status() == StatusCode::FOUND
    })
    .await;
    let pool = sqlx::PgPool::connect(&service.database_url).await.unwrap();
    let mut holder = messaging::begin(&pool, "BEGIN").await.unwrap();
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

#[tokio::test]
async fn an_address_that_follows_links_too_often_gets_429_and_no_click_counts() {
    let service = start_with_link_and(&[
        ("ADDRESS_RATE_LIMIT_PER_SECOND", "1"),
        ("ADDRESS_RATE_LIMIT_BURST", "3"),
    ])
    .await;
    let mut followed = 0;
    let refused = loop {
        let answer = get(&service, "/c/lnk_1").await;
        if answer.status() != StatusCode::FOUND {
            break answer;
        }
        followed += 1;
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(followed >= 3, "{followed}");
    let clicks: i64 = sqlx::query_scalar("SELECT count(*) FROM clicks")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(clicks, followed);
    // What needs a token is asked on as before.
    let (status, _) = service.get(LINKS, &operator()).await;
    assert_eq!(status, StatusCode::OK);
    service.stop().await;
}

#[tokio::test]
async fn a_subject_that_asks_too_often_at_the_service_itself_gets_429_and_others_do_not() {
    let mut variables = variables(&unmade_database());
    for (name, value) in [("RATE_LIMIT_PER_SECOND", "1"), ("RATE_LIMIT_BURST", "2")] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    let service = start_with(variables).await;
    let one = partner(PARTNER);
    let (status, problem) = loop {
        let (status, problem) = service.get(LINKS, &one).await;
        if status != StatusCode::OK {
            break (status, problem);
        }
    };
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{problem}");
    let (status, _) = service.get(LINKS, &partner("partner9")).await;
    assert_eq!(status, StatusCode::OK);
    service.stop().await;
}
