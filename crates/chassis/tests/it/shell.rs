use std::time::Duration;

use chassis::auth::Anonymous;
use chassis::http::Limits;
use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::app::{App, problem, secret_verifier};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_correlation_id_and_a_trace_are_taken_and_returned() {
    let app = App::start().await;
    let id = Uuid::now_v7().to_string();
    let request = app
        .get("/context")
        .header("x-correlation-id", &id)
        .header("traceparent", TRACEPARENT);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], id.as_str());
    let trace = response.headers()["traceparent"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace != TRACEPARENT);
    assert_eq!(response.text().await.unwrap(), format!("{id} {trace}"));
}

#[tokio::test]
async fn absent_ones_are_made() {
    let app = App::start().await;
    let response = app
        .get("/context")
        .header("traceparent", "nonsense")
        .send()
        .await
        .unwrap();
    let id = response.headers()["x-correlation-id"].to_str().unwrap();
    assert!(Uuid::parse_str(id).is_ok());
    assert!(
        response.headers()["traceparent"]
            .to_str()
            .unwrap()
            .starts_with("00-")
    );
}

#[tokio::test]
async fn a_correlation_id_that_is_no_uuid_is_400() {
    let app = App::start().await;
    for id in [
        "42",
        "",
        "00000000-0000-0000-0000-000000000000",
        "urn:uuid:0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
    ] {
        let response = app
            .get("/context")
            .header("x-correlation-id", id)
            .send()
            .await
            .unwrap();
        let made = response.headers()["x-correlation-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let problem = problem(response, 400).await;
        assert_eq!(problem["errors"][0]["parameter"], "X-Correlation-Id");
        assert_eq!(problem["correlation_id"], made);
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = App::start().await;
    let response = app.get("/nowhere?x=1").send().await.unwrap();
    let id = response.headers()["x-correlation-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let nowhere = problem(response, 404).await;
    assert_eq!(
        (
            nowhere["instance"].as_str(),
            nowhere["correlation_id"].as_str()
        ),
        (Some("/nowhere"), Some(&*id))
    );
    let response = app
        .client
        .delete(format!("{}/whoami", app.url))
        .send()
        .await
        .unwrap();
    assert!(
        response.headers()["allow"]
            .to_str()
            .unwrap()
            .contains("GET")
    );
    assert_eq!(problem(response, 405).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_panic_is_a_500_that_reveals_nothing_and_the_service_lives_on() {
    let app = App::start().await;
    let problem = problem(app.get("/panics").send().await.unwrap(), 500).await;
    assert!(!problem.to_string().contains("canary"), "{problem}");
    assert_eq!(app.get("/health").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_504_unless_it_is_a_write_that_prefers_to_wait() {
    let limits = Limits {
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let app = App::with(secret_verifier(Anonymous::Refused), limits, true).await;
    for read in [
        app.get("/never"),
        app.get("/never").header("prefer", "wait=5"),
    ] {
        let problem = problem(read.send().await.unwrap(), 504).await;
        assert_eq!(problem["code"], "request_timed_out");
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains("write"), "{detail}");
    }
    let patient = Client::builder()
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let waiting = patient
        .post(format!("{}/never", app.url))
        .header("prefer", "wait=5")
        .send()
        .await;
    assert!(waiting.unwrap_err().is_timeout());
}

#[tokio::test]
async fn beyond_the_limit_of_requests_at_once_the_answer_is_503_and_probes_still_answer() {
    let limits = Limits {
        max_in_flight: 0,
        ..Limits::default()
    };
    let app = App::with(secret_verifier(Anonymous::Refused), limits, true).await;
    let response = app.get("/context").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(problem(response, 503).await["code"], "overloaded");
    assert_eq!(app.get("/health").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn ready_says_what_is_missing() {
    let app = App::start().await;
    assert_eq!(app.get("/ready").send().await.unwrap().status(), 200);
    let health = app.get("/api/v1/payment/health").send().await.unwrap();
    assert_eq!(health.json::<Value>().await.unwrap()["service"], "payment");
    let app = App::with(
        secret_verifier(Anonymous::Refused),
        Limits::default(),
        false,
    )
    .await;
    let response = app.get("/ready").send().await.unwrap();
    assert_eq!(response.status(), 503);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["checks"][0]["detail"], "no connection; start Postgres");
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_not_by_path() {
    let app = App::start().await;
    app.post("/campaigns/canary/end").send().await.unwrap();
    app.get("/canary").send().await.unwrap();
    let text = app
        .get("/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains(r#"route="/campaigns/{campaign_id}/end""#),
        "{text}"
    );
    assert!(text.contains(r#"route="unmatched""#));
    assert!(text.contains("http_request_duration_seconds_bucket"));
    for standard in [
        "process_cpu_seconds_total counter",
        "process_resident_memory_bytes gauge",
        "process_open_fds gauge",
        "process_start_time_seconds gauge",
    ] {
        assert!(text.contains(&format!("# TYPE {standard}\n")), "{standard}");
    }
    let cpu = text
        .lines()
        .find_map(|line| line.strip_prefix("process_cpu_seconds_total"));
    let (labels, seconds) = cpu.unwrap().split_once(' ').unwrap();
    assert_eq!(labels, r#"{service="payment"}"#);
    assert!(
        seconds.contains('.'),
        "seconds with their fractions: {seconds}"
    );
    assert!(!text.contains("canary"));
}

#[tokio::test]
async fn a_stop_lets_a_request_end_and_takes_no_new_one() {
    let app = App::start().await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut open = TcpStream::connect(address).await.unwrap();
    let head = "POST /campaigns/c/end HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
    let head = format!(
        "{head}expect: 100-continue\r\nauthorization: Bearer {}\r\n\r\n",
        crate::app::partner_token()
    );
    open.write_all(head.as_bytes()).await.unwrap();
    let mut started = [0; 25];
    open.read_exact(&mut started).await.unwrap();
    assert_eq!(&started, b"HTTP/1.1 100 Continue\r\n\r\n");
    app.stop.cancel();
    open.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    app.tasks.wait().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn more_headers_than_the_limit_are_431() {
    let app = App::start().await;
    let many = |count: usize| {
        (0..count).fold(app.get("/health"), |request, n| {
            request.header(format!("x-{n}"), "x")
        })
    };
    assert_eq!(many(40).send().await.unwrap().status(), 200);
    assert_eq!(many(80).send().await.unwrap().status(), 431);
}
