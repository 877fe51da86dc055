//! Operators reach every service through the bff.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Method, StatusCode};
use runtime::testing::{TestService, operator, partner, unmade_database, variables};
use schemas::Service;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::app::bff;

/// The variables of one service, all services in this mode; nobody listens where they look for a broker.
fn in_mode(mode: &str, service: Service) -> HashMap<String, String> {
    let mut variables = variables(service, &unmade_database());
    for other in Service::with_topics() {
        let name = format!("{}_SERVICE_MODE", other.name().to_uppercase());
        variables.insert(name, mode.to_owned());
    }
    let broker = "pulsar://127.0.0.1:9".to_owned();
    variables.insert("PULSAR_SERVICE_URL".to_owned(), broker);
    variables
}

/// A bff and the campaign service that it hands on to.
pub async fn both(mode: &str) -> (TestService, TestService) {
    let campaign =
        TestService::start_with(campaign::define, in_mode(mode, Service::Campaign)).await;
    let mut variables = in_mode(mode, Service::Bff);
    variables.insert("CAMPAIGN_SERVICE_URL".to_owned(), campaign.base_url.clone());
    let bff = TestService::start_with(bff::define, variables).await;
    (bff, campaign)
}

async fn note(app: &TestService, action: &'static str) {
    let act = messaging::audit::Act {
        actor: "operator",
        action,
        target: "something".to_owned(),
        reason: "a test",
        detail: serde_json::json!({"n": 1}),
    };
    let mut connection = app.pool().acquire().await.unwrap();
    messaging::audit::record(&mut connection, messaging::clock::now(), &act)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_is_reached_through_the_bff_in_every_mode() {
    for mode in ["http", "event", "hybrid"] {
        let (bff, campaign) = both(mode).await;
        note(&campaign, "test.first").await;
        note(&campaign, "test.second").await;
        let path = "/api/v1/operator/campaign/audit";
        let (status, page) = bff.get(&format!("{path}?limit=1"), &operator()).await;
        assert_eq!(status, StatusCode::OK, "{mode}: {page}");
        assert_eq!(page["items"][0]["action"], "test.second");
        assert_eq!(page["items"][0]["detail"]["n"], 1);
        let cursor = page["next_cursor"].as_str().unwrap().to_owned();
        let (_, page) = bff
            .get(&format!("{path}?limit=1&cursor={cursor}"), &operator())
            .await;
        assert_eq!(page["items"][0]["action"], "test.first");
        let csv = bff.client.get(format!("{}{path}?limit=1", bff.base_url));
        let csv = csv.bearer_auth(operator()).header("accept", "text/csv");
        let csv = csv.send().await.unwrap();
        assert_eq!(csv.headers()["next-cursor"], cursor, "{mode}");
        assert!(csv.text().await.unwrap().contains("test.second"), "{mode}");
        let (_, own) = bff.get("/api/v1/operator/bff/audit", &operator()).await;
        assert_eq!(own["items"], serde_json::json!([]), "the bff has its own");
    }
}

/// A service that ends each of so many connections with a request on it, and answers on later ones; how many requests came.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own server ends with the test"
)]
async fn cuts_off(cut: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|it| it == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap() == 0 {
                    break;
                }
            }
            if count.fetch_add(1, Ordering::SeqCst) >= cut {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    (url, came)
}

#[tokio::test]
async fn what_only_reads_is_asked_again_when_its_connection_is_cut_off_and_nothing_else_is() {
    for (method, cut, expected, requests) in [
        (Method::GET, 1, StatusCode::OK, 2),
        // It has done nothing, and may be asked again.
        (Method::GET, 9, StatusCode::SERVICE_UNAVAILABLE, 2),
        (Method::POST, 1, StatusCode::BAD_GATEWAY, 1),
    ] {
        let (url, came) = cuts_off(cut).await;
        let mut variables = in_mode("event", Service::Bff);
        variables.insert("CAMPAIGN_SERVICE_URL".to_owned(), url);
        let bff = TestService::start_with(bff::define, variables).await;
        let before = came.load(Ordering::SeqCst);
        let url = format!("{}/api/v1/operator/campaign/any", bff.base_url);
        let request = bff.client.request(method.clone(), url);
        let answer = request.bearer_auth(operator()).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{method} {cut}");
        let came = came.load(Ordering::SeqCst) - before;
        assert_eq!(came, requests, "{method} {cut}");
    }
}

#[tokio::test]
async fn nobody_but_an_operator_gets_anywhere() {
    let (bff, campaign) = both("http").await;
    for app in [&bff, &campaign] {
        for path in [
            "/api/v1/operator/campaign/audit",
            "/api/v1/operator/bff/audit",
        ] {
            let (status, _) = app.get(path, &partner("p1")).await;
            let there = app.host.service() == Service::Bff || path.contains("campaign");
            let expected = if there {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(status, expected, "{path}");
            let (status, _) = app.get(path, "no token").await;
            assert_ne!(status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_problem_and_the_correlation_id_come_back_as_the_service_gave_them() {
    let (bff, _campaign) = both("http").await;
    let id = Uuid::now_v7().to_string();
    let answer = bff
        .client
        .get(format!(
            "{}/api/v1/operator/campaign/audit?limit=0",
            bff.base_url
        ))
        .bearer_auth(operator())
        .header("x-correlation-id", &id)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["x-correlation-id"], id.as_str());
    let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(problem["correlation_id"], id.as_str());
    assert_eq!(problem["errors"][0]["parameter"], "limit");
}

#[tokio::test]
async fn a_service_that_is_away_is_a_503_and_a_path_cannot_leave_the_operators_routes() {
    let bff = bff().await;
    let (status, problem) = bff.get("/api/v1/operator/payment/audit", &operator()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["code"], "service_unavailable");

    let (bff, _campaign) = both("http").await;
    // A client would resolve the dots itself; an attacker's does not.
    for path in [
        "/api/v1/operator/campaign/../../../internal/v1/watermarks",
        "/api/v1/operator/campaign/%2e%2e/%2e%2e/../campaign/campaigns",
    ] {
        let status = raw_get(&bff.base_url, path).await;
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused_with_those_that_it_does() {
    let (bff, _campaign) = both("http").await;
    let url = format!("{}/api/v1/operator/campaign/audit", bff.base_url);
    let answer = bff.client.delete(url).bearer_auth(operator()).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let allowed = answer.headers()["allow"].to_str().unwrap();
    assert!(allowed.contains("GET"), "{allowed}");
}

#[tokio::test]
async fn a_nul_in_any_filter_path_or_body_is_named_and_never_reaches_the_database() {
    let (bff, _campaign) = both("http").await;
    let at = "/api/v1/operator/campaign";
    let id = Uuid::now_v7();
    for (path, parameter) in [
        ("/events?subject=%00".to_owned(), "subject"),
        ("/events?type=a%00".to_owned(), "type"),
        ("/events/live?subject=%00".to_owned(), "subject"),
        ("/commands?actor=%00".to_owned(), "actor"),
        ("/audit?target=%00&limit=1".to_owned(), "target"),
        ("/parked?subject=%00".to_owned(), "subject"),
        ("/parked?source=%1f".to_owned(), "source"),
        (format!("/parked/{id}?source=%00"), "source"),
    ] {
        let (status, problem) = bff.get(&format!("{at}{path}"), &operator()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{path}");
    }
    let body = serde_json::json!({"filter": {"subject": "a\u{0}"}, "reason": "a test"});
    let path = format!("{at}/redrives");
    let (status, problem) = bff.post(&path, &operator(), &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(problem["errors"][0]["pointer"], "/filter/subject");
}

#[tokio::test]
async fn a_filter_of_a_closed_list_takes_nothing_else() {
    let (bff, _campaign) = both("http").await;
    let at = "/api/v1/operator/campaign/commands";
    for parameter in ["state", "code"] {
        let path = format!("{at}?{parameter}=AAA");
        let (status, problem) = bff.get(&path, &operator()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{path}");
    }
    for good in ["state=parked", "state=done", "code=invalid_field"] {
        let (status, page) = bff.get(&format!("{at}?{good}"), &operator()).await;
        assert_eq!(status, StatusCode::OK, "{good}: {page}");
    }
}

/// The status of a request whose path is sent letter by letter.
async fn raw_get(base_url: &str, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = base_url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let token = operator();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A path of the bff's document is as its service has it, but that the service may be away.
fn assert_handed_on(of_bff: &Value, of_service: &Value) {
    let without = |item: &Value| {
        let mut item = item.clone();
        let mut away = Vec::new();
        for operation in item.as_object_mut().unwrap().values_mut() {
            let responses = operation["responses"].as_object_mut().unwrap();
            away.push((responses.remove("502"), responses.remove("503")));
        }
        (item, away)
    };
    let ((of_bff, away), (of_service, _)) = (without(of_bff), without(of_service));
    assert_eq!(of_bff, of_service);
    for (bad_gateway, unavailable) in away {
        assert!(bad_gateway.is_some(), "{of_bff}");
        let unavailable = unavailable.unwrap().to_string();
        assert!(unavailable.contains("service_unavailable"), "{unavailable}");
    }
}

#[tokio::test]
async fn the_bffs_document_names_every_operators_route_of_every_service() {
    let (bff, campaign) = both("http").await;
    let document = |app: &TestService| {
        let url = format!("{}/openapi.json", app.base_url);
        let client = app.client.clone();
        async move {
            let text = client.get(url).send().await.unwrap().text().await.unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        }
    };
    let (of_bff, of_campaign) = (document(&bff).await, document(&campaign).await);
    let mut compared = 0;
    for (path, item) in of_campaign["paths"].as_object().unwrap() {
        if !path.starts_with("/api/v1/operator/campaign/") {
            continue;
        }
        assert_handed_on(&of_bff["paths"][path], item);
        for service in Service::ALL {
            let path = path.replace("campaign", service.name());
            assert!(of_bff["paths"][&path].is_object(), "{path}");
        }
        compared += 1;
    }
    assert!(compared > 0);
    let mut ids: Vec<&str> = Vec::new();
    for item in of_bff["paths"].as_object().unwrap().values() {
        let operations = item.as_object().unwrap().values();
        ids.extend(operations.filter_map(|operation| operation["operationId"].as_str()));
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "operation ids are unique");
}

#[tokio::test]
async fn the_bffs_document_names_the_operators_routes_that_only_payment_has() {
    let bff = bff().await;
    let text = chassis::openapi::render(&bff.document);
    let of_bff: Value = serde_json::from_str(&text).unwrap();
    let copy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../payment/openapi.json");
    let of_payment: Value = serde_json::from_str(&std::fs::read_to_string(copy).unwrap()).unwrap();
    let paths = of_payment["paths"].as_object().unwrap().iter();
    let own: Vec<_> = paths
        .filter(|(path, _)| path.starts_with("/api/v1/operator/payment/"))
        .collect();
    assert!(own.len() > 3, "{own:?}");
    for (path, item) in own {
        assert_handed_on(&of_bff["paths"][path], item);
    }
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(of_bff["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn the_bffs_log_shows_commands_and_never_what_is_sealed() {
    let app = bff().await;
    crate::app::publish_key(&app, "key1", 600).await;
    let body = crate::app::payout();
    let command = crate::app::submitted(
        &app,
        &partner("partner123"),
        "/api/v1/payments/request",
        &body,
    )
    .await;
    let (_, page) = app.get("/api/v1/operator/bff/events", &operator()).await;
    let shown = &page["items"][0]["message"];
    assert_eq!(shown["id"], command.header.id.to_string());
    let payload = &shown["payload"]["request_payout_v1"];
    assert_eq!(payload["sealed_details"], "(sealed)", "{payload}");
    assert!(payload["masked"].is_string());
    let (_, log) = app.get("/api/v1/operator/bff/commands", &operator()).await;
    assert_eq!(log["items"][0]["state"], "pending", "{log}");
    assert_eq!(log["items"][0]["actor"], "partner123");
}
