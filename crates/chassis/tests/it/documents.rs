use std::collections::BTreeMap;

use chassis::openapi::answer_of;
use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::{OpenApi, RefOr, Response};
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, PayBody, routes};

/// The answer of an operation, wherever it is written.
fn answer<'a>(document: &'a Value, operation: &'a Value, status: &str) -> &'a Value {
    let answer = &operation["responses"][status];
    match answer["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => answer,
    }
}

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
    let refusal = &answer(&document, pay, "422")["content"]["application/problem+json"];
    assert_eq!(refusal["schema"]["$ref"], "#/components/schemas/Problem");
    assert!(document["components"]["schemas"]["Problem"]["properties"]["type"].is_object());
    let names = |operation: &Value| {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let names = parameters.map(|it| it["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(pay), ["campaign_id", "Idempotency-Key"]);
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

fn rendered() -> Value {
    serde_json::from_str(&chassis::openapi::render(&routes().into_openapi())).unwrap()
}

#[test]
fn an_operation_lists_the_codes_that_it_may_refuse_with_and_no_others() {
    let document = rendered();
    let codes = |path: &str, method: &str| {
        let operation = &document["paths"][path][method];
        let mut codes = Vec::new();
        for status in operation["responses"].as_object().unwrap().keys() {
            let problem =
                &answer(&document, operation, status)["content"]["application/problem+json"];
            for (code, example) in problem["examples"].as_object().into_iter().flatten() {
                assert_eq!(example["value"]["status"].to_string(), *status, "{code}");
                codes.push(code.clone());
            }
        }
        codes
    };
    let of_list = codes("/numbers", "get");
    let of_end = codes("/campaigns/{campaign_id}/end", "post");
    let of_pay = codes("/campaigns/{campaign_id}/pay", "post");
    for (code, list, end, pay) in [
        ("forbidden", true, true, true),
        ("not_found", false, true, true),
        ("insufficient_balance", false, false, true),
        ("idempotency_key_reused", false, true, true),
        ("outcome_unknown", false, false, true),
        ("invalid_parameter", true, true, true),
        ("unsupported_media_type", false, true, true),
        ("rate_limited", true, true, true),
        ("overloaded", true, true, true),
    ] {
        let reported = [&of_list, &of_end, &of_pay].map(|codes| codes.iter().any(|it| it == code));
        assert_eq!(reported, [list, end, pay], "{code}");
    }
    let known = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let known: Vec<_> = known.as_array().unwrap().iter().collect();
    for code in [of_list, of_end, of_pay].concat() {
        assert!(known.iter().any(|it| **it == code), "{code}");
    }
}

#[test]
fn every_answer_is_described_and_carries_the_headers_that_it_is_sent_with() {
    let document = rendered();
    let pay = &document["paths"]["/campaigns/{campaign_id}/pay"]["post"];
    let end = &document["paths"]["/campaigns/{campaign_id}/end"]["post"];
    for operation in [pay, end] {
        for status in operation["responses"].as_object().unwrap().keys() {
            let answer = answer(&document, operation, status);
            let about = answer["description"].as_str().unwrap_or_default();
            assert!(!about.is_empty(), "{status}");
            let correlated = answer["headers"]["X-Correlation-Id"].is_object();
            assert_eq!(correlated, status != "431", "{status}");
        }
    }
    let has = |operation, status, header: &str| {
        answer(&document, operation, status)["headers"][header].is_object()
    };
    assert!(has(pay, "503", "Retry-After") && has(pay, "429", "RateLimit"));
    assert!(has(pay, "401", "WWW-Authenticate") && !has(pay, "422", "Retry-After"));
    assert!(has(pay, "201", "X-Command-Id") && !has(pay, "201", "Preference-Applied"));
    for status in ["204", "404", "422"] {
        assert!(has(end, status, "Preference-Applied") && has(end, status, "Location"));
    }
    assert!(!has(end, "401", "Location") && !has(pay, "422", "Location"));
}

#[test]
fn a_body_without_fields_may_be_left_out_and_every_other_may_not() {
    let document = rendered();
    let required = |path: &str| &document["paths"][path]["post"]["requestBody"]["required"];
    assert_eq!(required("/campaigns/{campaign_id}/pay"), true);
    assert_eq!(required("/campaigns/{campaign_id}/end"), false);
}

#[test]
fn a_parameter_may_be_left_out_and_is_never_null() {
    let document = rendered();
    let parameters = document["paths"]["/numbers"]["get"]["parameters"].as_array();
    for parameter in parameters.unwrap() {
        assert!(parameter["schema"]["type"].is_string(), "{parameter}");
        assert_ne!(parameter["required"], true, "{parameter}");
    }
}

#[test]
fn a_complete_document_stays_as_it_is() {
    let text = chassis::openapi::render(&routes().into_openapi());
    let read: OpenApi = serde_json::from_str(&text).unwrap();
    assert_eq!(chassis::openapi::render(&read), text);
}

/// What says itself what it answers.
struct Whole;

impl IntoResponses for Whole {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let answer = answer_of::<PayBody>();
        BTreeMap::from([("200".to_owned(), answer.into())])
    }
}

#[utoipa::path(get, path = "/whole", responses(Whole))]
async fn whole() {}

#[test]
fn an_answer_of_a_type_brings_the_schemas_that_it_refers_to() {
    let routes = OpenApiRouter::<()>::new().routes(utoipa_axum::routes!(whole));
    let text = chassis::openapi::render(&routes.into_openapi());
    let document: Value = serde_json::from_str(&text).unwrap();
    let content = &document["paths"]["/whole"]["get"]["responses"]["200"]["content"];
    let pay = json!({"$ref": "#/components/schemas/PayBody"});
    assert_eq!(*content, json!({"application/json": {"schema": pay}}));
    let schemas = &document["components"]["schemas"];
    assert!(schemas["PayBody"].is_object() && schemas["Line"].is_object());
}
