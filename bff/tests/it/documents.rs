//! The checked-in documents.

use std::path::Path;

use axum::http::StatusCode;
use chassis::openapi::{self, compare_copy};
use serde_json::{Value, json};

use crate::app::{bff, partner123};

#[tokio::test]
async fn the_copy_of_the_document_is_fresh() {
    let app = bff().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    compare_copy(&app.document, &copy).unwrap();
}

#[tokio::test]
async fn an_answer_to_several_commands_has_the_headers_that_its_document_says() {
    let app = bff().await;
    let document = openapi::render(&app.document);
    let document: Value = serde_json::from_str(&document).unwrap();
    let stated = |path: &str| {
        let headers = &document["paths"][path]["post"]["responses"]["202"]["headers"];
        ["Location", "X-Command-Id"].map(|name| headers[name].is_object())
    };
    let sent = async |path: &str, body: &Value| {
        let url = format!("{}{path}", app.base_url);
        let request = app.client.post(url).bearer_auth(partner123()).json(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{path}");
        ["location", "x-command-id"].map(|name| answer.headers().contains_key(name))
    };
    let link = json!({"campaign_id": "camp123", "target_url": "https://a.example/"});
    for (path, body, has) in [
        ("/api/v1/links", link.clone(), [true, false]),
        ("/api/v1/links:batch", json!({"links": [link]}), [false; 2]),
    ] {
        assert_eq!(
            (stated(path), sent(path, &body).await),
            (has, has),
            "{path}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_travels_between_the_services_is_documented() {
    let app = bff().await;
    let get = async |path: &str| {
        let url = format!("{}{path}", app.base_url);
        let answer = app.client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let header = |name| {
            let value = answer.headers().get(name);
            value.map_or_else(String::new, |it| it.to_str().unwrap().to_owned())
        };
        let headers = (header("content-type"), header("content-security-policy"));
        (headers, answer.text().await.unwrap())
    };
    let ((kind, _), document) = get("/asyncapi.json").await;
    assert_eq!(kind, "application/json");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["asyncapi"], "3.0.0");
    let ((kind, policy), page) = get("/docs/messages").await;
    assert_eq!(kind, "text/html; charset=utf-8");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for topic in document["channels"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("<h2 id=\"{topic}\">")), "{topic}");
    }
    // The page of the HTTP interface is still there, beside it.
    assert!(get("/docs/").await.1.contains("swagger-ui"));
}
