use serde_json::Value;

use crate::app::{App, routes};

#[tokio::test]
async fn the_document_is_openapi_3_1_with_bearer_problems_and_every_route() {
    let app = App::start().await;
    let document: Value = app
        .get("/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    let pay = &document["paths"]["/campaigns/{campaign_id}/pay"]["post"];
    let refusal = &pay["responses"]["422"]["content"]["application/problem+json"]["schema"];
    assert_eq!(refusal["$ref"], "#/components/schemas/Problem");
    assert!(document["components"]["schemas"]["Problem"]["properties"]["type"].is_object());
    assert_eq!(pay["parameters"].as_array().unwrap().len(), 1, "{pay}");
    let parameters = document["paths"]["/numbers"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let names: Vec<_> = parameters
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["limit", "cursor", "partner_id"]);
    assert!(
        parameters
            .iter()
            .all(|parameter| parameter["in"] == "query" && parameter["required"] != true),
        "{parameters:?}"
    );
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let app = App::start().await;
    let page = app
        .get("/docs/")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("swagger-ui") && !page.contains("https://"),
        "{page}"
    );
}

#[test]
fn the_document_is_the_same_each_time() {
    let render = || chassis::openapi::render(&routes().into_openapi());
    assert_eq!(render(), render());
}

#[test]
fn every_reference_in_the_document_has_its_target() {
    let document: Value =
        serde_json::from_str(&chassis::openapi::render(&routes().into_openapi())).unwrap();
    let text = document.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
