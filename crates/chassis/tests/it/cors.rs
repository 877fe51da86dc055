//! Pages of other origins.

use chassis::config::Env;
use chassis::http::AllowedOrigins;
use reqwest::{Method, Response};

use crate::app::{App, partner_token};

const OURS: &str = "https://app.example.com";
const READER: &str = "access-control-allow-origin";

async fn app() -> App {
    let mut env = Env::from_map([("HTTP_ALLOWED_ORIGINS", OURS)]);
    let origins = AllowedOrigins::read(&mut env);
    env.finish().unwrap();
    App::open_to(origins).await
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// What a browser asks before it sends a page's request.
async fn preflight(app: &App, origin: &str) -> Response {
    let request = app
        .client
        .request(Method::OPTIONS, format!("{}/campaigns/c/end", app.url));
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,idempotency-key",
        );
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_send_and_read_and_of_another_may_not() {
    let app = app().await;
    let answer = preflight(&app, OURS).await;
    assert_eq!(answer.status(), 200, "without a token");
    assert_eq!(header(&answer, READER), OURS);
    assert!(header(&answer, "access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(header(&answer, "access-control-allow-credentials"), "");
    for other in [
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "null",
    ] {
        assert_eq!(header(&preflight(&app, other).await, READER), "", "{other}");
    }
    let list = |origin: &str| {
        let request = app.get("/numbers").bearer_auth(partner_token());
        request.header("origin", origin).send()
    };
    let answer = list(OURS).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, READER)),
        (200, OURS)
    );
    assert!(header(&answer, "access-control-expose-headers").contains("next-cursor"));
    assert!(
        header(&answer, "vary").contains("origin"),
        "a cache tells readers apart"
    );
    assert_eq!(
        header(&list("https://evil.example").await.unwrap(), READER),
        ""
    );
}

#[tokio::test]
async fn a_page_may_send_each_method_and_header_that_a_route_takes() {
    let app = app().await;
    let answer = preflight(&app, OURS).await;
    for (header_name, names) in [
        ("access-control-allow-methods", "GET POST PUT PATCH DELETE"),
        (
            "access-control-allow-headers",
            "accept authorization content-type idempotency-key last-event-id prefer x-correlation-id traceparent",
        ),
    ] {
        let allowed: Vec<_> = header(&answer, header_name).split(',').collect();
        for name in names.split(' ') {
            assert!(allowed.contains(&name), "{name} is not among {allowed:?}");
        }
    }
}

#[tokio::test]
async fn a_page_may_read_why_it_was_refused() {
    let app = app().await;
    for (path, status) in [("/numbers", 401), ("/nowhere", 404)] {
        let answer = app.get(path).header("origin", OURS).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), header(&answer, READER)),
            (status, OURS),
            "{path}"
        );
    }
}

#[tokio::test]
async fn without_origins_no_page_of_another_may_read_anything() {
    let app = App::start().await;
    assert_eq!(preflight(&app, OURS).await.status(), 405);
    let answer = app.get("/numbers").bearer_auth(partner_token());
    let answer = answer.header("origin", OURS).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, READER)),
        (200, "")
    );
}
