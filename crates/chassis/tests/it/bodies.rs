use reqwest::Response;
use serde_json::{Value, json};

use crate::app::{App, partner_token, problem};

/// The pointers and details of a 422.
async fn pointers(response: Response) -> Vec<(String, String)> {
    let problem = problem(response, 422).await;
    assert_eq!(problem["code"], "invalid_body");
    let errors = problem["errors"].as_array().unwrap().iter();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors
        .map(|error| (text(error, "pointer"), text(error, "detail")))
        .collect()
}

#[tokio::test]
async fn a_good_body_is_taken_and_amounts_keep_their_digits() {
    let app = App::start().await;
    let body = r#"{"amount": 90071992547409.93, "currency": "USD", "note": "caf\u00e9",
        "metadata": {"amount": 1.10, "deep": [{"x": [1]}]}}"#;
    let response = app.pay(body).await;
    assert_eq!(response.status(), 201);
    let text = response.text().await.unwrap();
    assert!(text.contains(r#""amount":"90071992547409.93""#), "{text}");
    assert!(
        text.contains(r#""metadata":{"amount": 1.10, "deep": [{"x": [1]}]}"#),
        "{text}"
    );
}

#[tokio::test]
async fn an_unknown_a_missing_and_a_repeated_field_are_pointed_at() {
    let app = App::start().await;
    for (body, pointer) in [
        (r#"{"amount": 1, "currency": "USD", "amnt": 2}"#, "/amnt"),
        (r#"{"amount": 1}"#, "/currency"),
        (
            r#"{"amount": 1, "amount": 2, "currency": "USD"}"#,
            "/amount",
        ),
        (
            r#"{"amount": 1, "currency": "USD", "lines": [{"order_id": "a"}, {"order": "b"}]}"#,
            "/lines/1/order",
        ),
        (
            r#"{"amount": 1, "currency": "USD", "lines": [{}]}"#,
            "/lines/0/order_id",
        ),
        (
            r#"{"amount": 1, "currency": "USD", "a/b~c": 1}"#,
            "/a~1b~0c",
        ),
    ] {
        let found = pointers(app.pay(body).await).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, pointer, "{found:?}");
    }
}

#[tokio::test]
async fn a_name_that_may_be_somebodys_detail_is_not_repeated() {
    let app = App::start().await;
    for name in [
        "Erika Mustermann",
        "DE89370400440532013000",
        "erika@mail.example",
        "1234567890",
    ] {
        let body = json!({"amount": 1, "currency": "USD", name: 1});
        let found = pointers(app.pay(&body.to_string()).await).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "", "{found:?}");
        assert!(!found[0].1.contains(name), "{found:?}");
    }
}

#[tokio::test]
async fn a_wrong_value_is_pointed_at_and_not_repeated() {
    let app = App::start().await;
    for (field, value) in [
        ("amount", json!("canary")),
        ("amount", json!("1e3")),
        ("amount", json!(true)),
        ("amount", json!(-1)),
        ("amount", json!("1.001")),
        ("amount", json!(0)),
        ("currency", json!("canary")),
        ("currency", json!("usd")),
        ("currency", json!(1)),
        ("note", json!("")),
        ("note", json!("canary\u{0}")),
        ("note", json!("x".repeat(21))),
        ("receipt", json!("javascript:canary")),
        ("occurred_at", json!("yesterday")),
        ("occurred_at", json!("1970-01-01T00:05:01Z")),
        ("lines", json!("canary")),
        ("metadata", json!("canary")),
        ("metadata", json!({"a": [[[[]]]]})),
        ("metadata", json!({"a": "x".repeat(4096)})),
    ] {
        let mut body = json!({"amount": "1.00", "currency": "USD"});
        body[field] = value;
        let found = pointers(app.pay(body.to_string()).await).await;
        assert_eq!(found[0].0, format!("/{field}"), "{body} {found:?}");
        assert!(!found[0].1.contains("canary"), "{found:?}");
    }
}

#[tokio::test]
async fn an_exponent_is_refused_as_a_number_too() {
    let app = App::start().await;
    for amount in ["1e2", "1E-2", "1e999"] {
        let body = format!(r#"{{"amount": {amount}, "currency": "USD"}}"#);
        assert_eq!(pointers(app.pay(body).await).await[0].0, "/amount");
    }
}

#[tokio::test]
async fn several_wrong_fields_are_reported_at_once() {
    let app = App::start().await;
    let body = r#"{"amount": "0.001", "currency": "USD", "occurred_at": "2999-01-01T00:00:00Z"}"#;
    let found = pointers(app.pay(body).await).await;
    let names: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(names, ["/amount", "/occurred_at"]);
}

#[tokio::test]
async fn overlong_and_oddly_charactered_ids_are_refused_where_they_stand() {
    let app = App::start().await;
    for id in [
        "a".repeat(65),
        "a%20b".to_owned(),
        "a%00".to_owned(),
        "caf%C3%A9".to_owned(),
        "..%2f".to_owned(),
    ] {
        let response = app
            .post(&format!("/campaigns/{id}/end"))
            .send()
            .await
            .unwrap();
        let problem = problem(response, 400).await;
        assert_eq!(problem["code"], "invalid_parameter");
        assert_eq!(
            problem["errors"][0]["parameter"], "campaign_id",
            "{problem}"
        );
    }
    let body = json!({"amount": 1, "currency": "USD", "lines": [{"order_id": "a b"}]});
    assert_eq!(
        pointers(app.pay(body.to_string()).await).await[0].0,
        "/lines/0/order_id"
    );
}

#[tokio::test]
async fn an_array_is_not_taken_for_an_object_field_by_field() {
    let app = App::start().await;
    let found = pointers(app.pay(r#" [1, "USD", null, null, null]"#).await).await;
    assert_eq!(
        found[0],
        (
            String::new(),
            "must be an object with named fields".to_owned()
        )
    );
}

#[tokio::test]
async fn malformed_json_is_400() {
    let app = App::start().await;
    let deep = format!(r#"{{"metadata": {}"#, "[".repeat(10_000));
    // As deep as the parser would take.
    let (open, close) = ("[".repeat(20), "]".repeat(20));
    let rather_deep = format!(r#"{{"amount": 1, "currency": "USD", "lines": {open}{close}}}"#);
    for body in [
        "{",
        "nul",
        r#"{"amount": 01}"#,
        r#"{"amount": 1, "currency": "USD"} x"#,
        "\u{feff}{}",
        deep.as_str(),
        rather_deep.as_str(),
    ] {
        assert_eq!(
            problem(app.pay(body).await, 400).await["code"],
            "malformed_json",
            "{body}"
        );
    }
    let request = app
        .post("/campaigns/c/pay")
        .header("content-type", "application/json");
    let latin = request
        .body(b"{\"note\": \"\xe9\"}".to_vec())
        .send()
        .await
        .unwrap();
    problem(latin, 400).await;
}

#[tokio::test]
async fn a_body_that_is_not_called_json_is_415() {
    let app = App::start().await;
    let form = app
        .post("/campaigns/c/pay")
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(
        problem(form.send().await.unwrap(), 415).await["code"],
        "unsupported_media_type"
    );
    let charset = app
        .post("/campaigns/c/pay")
        .header("content-type", "Application/JSON; charset=utf-8");
    problem(charset.body("{").send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn an_overlong_body_is_413() {
    let app = App::start().await;
    let long = format!(r#"{{"note": "{}"}}"#, "x".repeat(70_000));
    assert_eq!(
        problem(app.pay(long).await, 413).await["code"],
        "body_too_large"
    );
}

#[tokio::test]
async fn after_a_body_that_is_far_too_long_the_client_makes_its_next_request_elsewhere() {
    let app = App::start().await;
    let long = format!(r#"{{"note": "{}"}}"#, "x".repeat(2_000_000));
    for _ in 0..20 {
        let refused = app.pay(long.clone()).await;
        assert_eq!(refused.headers()["connection"], "close");
        problem(refused, 413).await;
        let next = app.post("/campaigns/c/end").send().await.unwrap();
        assert_eq!(next.status(), 204);
    }
    let short = app.pay("{".to_owned()).await;
    assert!(!short.headers().contains_key("connection"));
}

#[tokio::test]
async fn a_write_without_a_body_takes_none_or_an_empty_object() {
    let app = App::start().await;
    assert_eq!(
        app.post("/campaigns/c/end").send().await.unwrap().status(),
        204
    );
    assert_eq!(
        app.post("/campaigns/c/end")
            .json(&json!({}))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(
        pointers(
            app.post("/campaigns/c/end")
                .json(&json!({"a": 1}))
                .send()
                .await
                .unwrap()
        )
        .await[0]
            .0,
        "/a"
    );
}

#[tokio::test]
async fn the_same_key_of_the_same_caller_is_the_same_command() {
    let app = App::start().await;
    let pay = async |key: &str| {
        let request = app.post("/campaigns/c/pay").header("idempotency-key", key);
        let answer = request
            .json(&json!({"amount": 1, "currency": "USD"}))
            .send()
            .await
            .unwrap();
        answer.json::<Value>().await.unwrap()["command_id"].clone()
    };
    assert_eq!(pay("a").await, pay("a").await);
    assert_ne!(pay("a").await, pay("b").await);
    let spaced = app
        .post("/campaigns/c/pay")
        .header("idempotency-key", "a b");
    problem(spaced.json(&json!({})).send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn a_domains_refusal_shows_its_code_and_command() {
    let app = App::start().await;
    let request = app
        .post("/campaigns/broke/pay")
        .json(&json!({"amount": 1, "currency": "USD"}));
    let problem = problem(request.send().await.unwrap(), 422).await;
    assert_eq!(problem["code"], "insufficient_balance");
    assert_eq!(
        problem["type"],
        "urn:tributary:problem:insufficient_balance"
    );
    assert!(problem["command_id"].is_string() && problem["correlation_id"].is_string());
}

#[tokio::test]
async fn a_list_is_read_page_by_page_to_its_end() {
    let app = App::start().await;
    let (mut path, mut seen) = ("/numbers?limit=4".to_owned(), Vec::new());
    loop {
        let page = app
            .get(&path)
            .bearer_auth(partner_token())
            .send()
            .await
            .unwrap();
        let page: Value = page.json().await.unwrap();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item.as_i64().unwrap()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/numbers?limit=4&cursor={cursor}&partner_id=p");
    }
    assert_eq!(seen, (0..10).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_wrong_query_parameter_is_named() {
    let app = App::start().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("partner_id=a%20b", "partner_id"),
        ("parner_id=a", "parner_id"),
        ("partner_id=a&partner_id=b", "partner_id"),
    ] {
        let response = app
            .get(&format!("/numbers?{query}"))
            .bearer_auth(partner_token())
            .send()
            .await
            .unwrap();
        let problem = problem(response, 400).await;
        assert_eq!(
            problem["errors"][0]["parameter"], parameter,
            "{query}: {problem}"
        );
    }
}
