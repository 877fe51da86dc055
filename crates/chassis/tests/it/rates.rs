use chassis::auth::{Anonymous, Claims, Role};
use chassis::http::{Limits, RateLimits};
use reqwest::Response;

use crate::app::{AUDIENCE, App, ISSUER, partner_token, problem, secret_verifier, token};

/// Two requests at once for each caller, and one more each second.
async fn app() -> App {
    of_burst(2).await
}

async fn of_burst(burst: u32) -> App {
    let limits = RateLimits::new(1, burst);
    let verifier = secret_verifier(Anonymous::Refused);
    App::limited(verifier, Limits::default(), true, limits).await
}

async fn ask(app: &App, token: &str) -> Response {
    let request = app.get("/whoami").bearer_auth(token);
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn who_asks_too_often_gets_when_to_come_again_and_others_are_answered() {
    let app = app().await;
    let partner = partner_token();
    let first = ask(&app, &partner).await;
    assert_eq!(first.status(), 200);
    assert_eq!(header(&first, "ratelimit-policy"), r#""subject";q=2;w=2"#);
    assert_eq!(header(&first, "ratelimit"), r#""subject";r=1;t=1"#);
    let mut refused = first;
    while refused.status() == 200 {
        refused = ask(&app, &partner).await;
    }
    assert_eq!(header(&refused, "retry-after"), "1");
    assert!(header(&refused, "ratelimit").contains("r=0;"));
    assert_eq!(problem(refused, 429).await["code"], "rate_limited");
    let claims = Claims::new("another", ISSUER, AUDIENCE, 600);
    let other = token(&claims.partner("partner123"));
    assert_eq!(ask(&app, &other).await.status(), 200);
}

#[tokio::test]
async fn another_token_of_the_same_subject_has_no_bucket_of_its_own() {
    let app = app().await;
    let lasting = |seconds| {
        let claims = Claims::new("user123", ISSUER, AUDIENCE, seconds);
        token(&claims.partner("partner123"))
    };
    let mut statuses = Vec::new();
    for seconds in 600..610 {
        let status = ask(&app, &lasting(seconds)).await.status();
        statuses.push(status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn a_partner_and_a_brand_of_one_name_have_a_bucket_each() {
    let app = app().await;
    let claims = || Claims::new("acme", ISSUER, AUDIENCE, 600);
    let partner = token(&claims().partner("acme"));
    while ask(&app, &partner).await.status() == 200 {}
    let brand = token(&claims().brand("acme"));
    assert_eq!(ask(&app, &brand).await.status(), 200);
}

#[tokio::test]
async fn a_request_that_stands_for_many_costs_as_many() {
    let app = of_burst(7).await;
    let ask = || async { app.post("/three").send().await.unwrap() };
    let first = ask().await;
    assert_eq!(first.status(), 204);
    assert!(header(&first, "ratelimit").contains("r=4;"));
    assert_eq!(ask().await.status(), 204);
    let refused = ask().await;
    assert!(matches!(header(&refused, "retry-after"), "2" | "3"));
    assert_eq!(problem(refused, 429).await["code"], "rate_limited");
}

#[tokio::test]
async fn a_request_that_stands_for_more_than_a_burst_is_answered_after_a_pause() {
    let app = of_burst(2).await;
    assert_eq!(app.post("/three").send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn operators_strangers_and_probes_are_not_counted() {
    let app = app().await;
    let operator = Claims::new("operator", ISSUER, AUDIENCE, 600).role(Role::Operator);
    let operator = token(&operator);
    for _ in 0..10 {
        let answer = ask(&app, &operator).await;
        assert_eq!(answer.status(), 200);
        assert!(!answer.headers().contains_key("ratelimit"));
        assert_eq!(ask(&app, "no token").await.status(), 401);
        let health = app.get("/health").bearer_auth(partner_token());
        assert_eq!(health.send().await.unwrap().status(), 200);
    }
}
