//! Lists as CSV.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use runtime::testing::{TestService, operator};
use schemas::Topic;
use serde_json::Value;

use crate::app::{bff, calculated, facts, partner123};

/// The lines of a list as CSV, and where the next page starts.
async fn lines(app: &TestService, path: &str, token: &str) -> (Vec<String>, Option<String>) {
    let request = app.client.get(format!("{}{path}", app.base_url));
    let request = request.bearer_auth(token).header(ACCEPT, "text/csv");
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap();
    assert_eq!(kind, "text/csv; charset=utf-8; header=present", "{path}");
    let next = answer.headers().get("next-cursor");
    let next = next.map(|it| it.to_str().unwrap().to_owned());
    let text = answer.text().await.unwrap();
    let lines = text.split_terminator("\r\n").map(str::to_owned).collect();
    (lines, next)
}

#[tokio::test]
async fn every_list_is_had_as_csv_with_the_columns_that_the_document_says() {
    let app = bff().await;
    let document = app.client.get(format!("{}/openapi.json", app.base_url));
    let document = document.send().await.unwrap().text().await.unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut lists = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let columns = &operations["get"]["responses"]["200"]["x-csv-columns"];
        // Clicks are counted at tracking, webhooks, mail and onboarding are notify's: they are handed on as they come.
        let handed_on = [
            "/api/v1/operator",
            "/api/v1/clicks",
            "/api/v1/webhook",
            "/api/v1/contacts",
            "/api/v1/mail",
            "/api/v1/onboarding",
            "/api/v1/workflows",
        ];
        let handed_on = handed_on.iter().any(|start| path.starts_with(start));
        let is_own = !path.contains('{') && !handed_on;
        let is_list = operations["get"]["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it["name"] == "cursor"));
        if !is_own || !is_list {
            continue;
        }
        lists += 1;
        let columns = columns.as_array();
        let columns = columns.unwrap_or_else(|| panic!("{path} is a list without columns"));
        let columns: Vec<&str> = columns.iter().map(|it| it.as_str().unwrap()).collect();
        let (lines, next) = lines(&app, path, &operator()).await;
        assert_eq!(lines, [columns.join(",")], "{path}");
        assert_eq!(next, None, "{path}");
    }
    assert!(lists >= 11, "{lists} lists");
    app.stop().await;
}

#[tokio::test]
async fn a_list_as_csv_is_read_page_by_page_and_is_whole_where_no_limit_is_given() {
    let app = bff().await;
    let ids: Vec<String> = (0..60).map(|n| format!("c{n}")).collect();
    let earned = |minor| calculated("partner123", "brand1", minor, "held");
    let rows: Vec<_> = ids
        .iter()
        .zip(100..)
        .map(|(id, minor)| (id.as_str(), id.as_str(), earned(minor)))
        .collect();
    facts(&app, Topic::CommissionEvents, &rows).await;
    let path = "/api/v1/commissions?status=held";
    let (whole, next) = lines(&app, path, &partner123()).await;
    assert_eq!((whole.len(), next), (61, None));
    let column = |name: &str| whole[0].split(',').position(|it| it == name).unwrap();
    let newest: Vec<&str> = whole[1].split(',').collect();
    assert_eq!(newest[column("id")], "c59");
    assert_eq!(newest[column("amount")], "1.59");
    assert_eq!(newest[column("calculation.base.amount")], "15.90");

    let (mut pages, mut from) = (Vec::new(), Some(String::new()));
    while let Some(cursor) = from {
        let path = format!("{path}&limit=25{cursor}");
        let (page, next) = lines(&app, &path, &partner123()).await;
        assert_eq!(page[0], whole[0]);
        pages.extend(page.into_iter().skip(1));
        from = next.map(|cursor| format!("&cursor={cursor}"));
    }
    assert_eq!(pages, whole[1..]);
    let (_, json) = app.get(path, &partner123()).await;
    assert_eq!(
        json["items"].as_array().map(Vec::len),
        Some(50),
        "as JSON as ever"
    );
    assert_ne!(json["next_cursor"], Value::Null);
    app.stop().await;
}
