use chassis::auth::{Claims, Role};
use runtime::testing::{mint, operator};
use serde_json::Value;

use crate::app::{COMMISSIONS, kinds, start};

#[tokio::test]
async fn without_a_good_token_nothing_is_shown() {
    let service = start().await;
    let url = format!("{}{COMMISSIONS}", service.base_url);
    let good = operator();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJvcGVyYXRvciIsInJvbGVzIjpbIm9wZXJhdG9yIl0sImlzcyI6InRyaWJ1dGFyeSIsImF1ZCI6InRyaWJ1dGFyeSIsImlhdCI6MCwiZXhwIjo0MTAyNDQ0ODAwfQ.";
    let other = Claims::new("operator", "tributary", "another", 600).role(Role::Operator);
    for token in [
        None,
        Some(String::new()),
        Some("no.token.at-all".to_owned()),
        Some(unsigned.to_owned()),
        Some(format!("{signed}.AAAA")),
        Some(mint(&other)),
    ] {
        for path in [url.clone(), format!("{url}/conv1")] {
            let request = service.client.get(path);
            let request = match &token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            assert_eq!(request.send().await.unwrap().status(), 401, "{token:?}");
        }
    }
}

#[tokio::test]
async fn parameters_that_are_none_are_named() {
    let service = start().await;
    let long = "x".repeat(65);
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("cursor=nowhere", "cursor"),
        ("status=paid", "status"),
        ("event_type=click", "event_type"),
        ("campaign_id=a%00b", "campaign_id"),
        ("campaign_id=", "campaign_id"),
        (&format!("partner_id={long}"), "partner_id"),
        ("partner_id=%F0%9F%92%B6", "partner_id"),
        ("colour=red", "colour"),
    ] {
        let (status, problem) = service
            .get(&format!("{COMMISSIONS}?{query}"), &operator())
            .await;
        assert_eq!(status, 400, "{query}: {problem}");
        assert_eq!(
            problem["errors"][0]["parameter"], parameter,
            "{query}: {problem}"
        );
    }
}

#[tokio::test]
async fn an_id_that_is_none_points_at_itself_and_nothing_is_written_anywhere() {
    let service = start().await;
    for id in ["a%20b", "%00", "a%2Fb", &"x".repeat(65), "caf%C3%A9"] {
        let (status, problem) = service
            .get(&format!("{COMMISSIONS}/{id}"), &operator())
            .await;
        assert_eq!(status, 400, "{id}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], "id", "{id}: {problem}");
        assert!(problem["correlation_id"].is_string());
    }
    let request = service
        .client
        .post(format!("{}{COMMISSIONS}", service.base_url));
    let answer = request
        .bearer_auth(operator())
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 405);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], 405);
    assert!(kinds(&service).await.is_empty());
}
