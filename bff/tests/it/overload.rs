//! What comes beyond the bounds is refused, with a word on when to come again.

use axum::http::StatusCode;
use reqwest::Response;
use runtime::testing::{TestService, operator, partner, unmade_database, until, variables};
use schemas::Service;
use tokio::task::JoinHandle;

use crate::app::{acceptance, count, partner123};

const ACCEPT: &str = "/api/v1/campaigns/camp123/accept";

async fn bff_with(settings: &[(&str, &str)]) -> TestService {
    let mut variables = variables(Service::Bff, &unmade_database());
    for (name, value) in settings {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    TestService::start_with(bff::define, variables).await
}

fn post(app: &TestService, token: &str) -> JoinHandle<Response> {
    let request = app.client.post(format!("{}{ACCEPT}", app.base_url));
    let request = request.bearer_auth(token).json(&acceptance());
    #[allow(clippy::disallowed_methods, reason = "the test awaits it")]
    tokio::spawn(async move { request.send().await.unwrap() })
}

async fn problem(response: Response, status: u16) -> (String, String) {
    assert_eq!(response.status().as_u16(), status);
    let retry = response.headers()["retry-after"].to_str().unwrap();
    let retry = retry.to_owned();
    let body: serde_json::Value = response.json().await.unwrap();
    (body["code"].as_str().unwrap().to_owned(), retry)
}

#[tokio::test]
async fn while_as_many_requests_wait_as_may_the_next_gets_503_and_none_is_lost() {
    // One subject has a quarter of them.
    let app = bff_with(&[("HTTP_MAX_IN_FLIGHT", "8")]).await;
    let holder = app.hold_writer_lock().await;
    let waiting = [post(&app, &partner123()), post(&app, &partner123())];
    until("the third is refused", || async {
        let refused = post(&app, &partner123()).await.unwrap();
        refused.status() == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let refused = post(&app, &partner123()).await.unwrap();
    assert_eq!(
        problem(refused, 503).await,
        ("overloaded".into(), "1".into())
    );
    drop(holder);
    for taken in waiting {
        assert_eq!(taken.await.unwrap().status(), StatusCode::ACCEPTED);
    }
    assert!(count(&app, "commands").await >= 2);
    let holder = app.hold_writer_lock().await;
    let waiting = [post(&app, &partner123()), post(&app, &partner123())];
    until("its share is taken", || async {
        let refused = post(&app, &partner123()).await.unwrap();
        refused.status() == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let other = post(&app, &partner("partner9"));
    drop(holder);
    assert_eq!(other.await.unwrap().status(), StatusCode::ACCEPTED);
    for taken in waiting {
        assert_eq!(taken.await.unwrap().status(), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn each_subject_has_a_share_of_its_own_and_operators_are_not_counted() {
    let limits = [("RATE_LIMIT_PER_SECOND", "1"), ("RATE_LIMIT_BURST", "3")];
    let app = bff_with(&limits).await;
    // At once: one goes by for each second.
    let at_once: Vec<_> = (0..40).map(|_| post(&app, &partner123())).collect();
    let mut answers = Vec::new();
    for answer in at_once {
        answers.push(answer.await.unwrap());
    }
    answers.retain(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
    let refused = answers.pop().expect("one of them was too many");
    assert!(refused.headers().contains_key("ratelimit"));
    assert_eq!(
        problem(refused, 429).await,
        ("rate_limited".into(), "1".into())
    );
    let other = post(&app, &partner("partner9")).await.unwrap();
    assert_eq!(other.status(), StatusCode::ACCEPTED);
    for _ in 0..8 {
        let answer = post(&app, &operator()).await.unwrap();
        assert_ne!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn a_share_of_zero_is_no_limit() {
    let app = bff_with(&[("RATE_LIMIT_PER_SECOND", "0")]).await;
    let answer = post(&app, &partner123()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(!answer.headers().contains_key("ratelimit"));
}
