//! What partners read of their months.

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use runtime::testing::{brand, operator, partner};
use schemas::{StatementIssuedV1, StatementLine, Topic};
use serde_json::json;
use types::{AccountType, Currency, StatementId};

use crate::app::{bff, facts};

fn issued(month: &str, opening: i64, credited: i64) -> StatementIssuedV1 {
    StatementIssuedV1 {
        month: month.parse().unwrap(),
        lines: vec![StatementLine {
            account: AccountType::Payable,
            currency: Currency::USD,
            opening,
            credited,
            debited: 150,
            closing: opening + credited - 150,
        }],
        through: 7,
    }
}

#[tokio::test]
async fn a_partner_reads_its_own_statements_and_has_their_lines_as_csv() {
    let app = bff().await;
    let mut ids = Vec::new();
    for (who, month, opening, credited) in [
        ("partner1", "2026-10", 0, 1_000),
        ("partner1", "2026-11", 850, 0),
        ("partner2", "2026-11", 0, 200),
    ] {
        let id = StatementId::of(&who.parse().unwrap(), month.parse().unwrap());
        let issued = issued(month, opening, credited).into();
        facts(&app, Topic::PaymentEvents, &[(who, id.as_str(), issued)]).await;
        ids.push(id.into_string());
    }
    let months = async |path: &str, token: &str| {
        let (status, body) = app.get(path, token).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let items = body["items"].as_array().unwrap().iter();
        let month = |it: &serde_json::Value| it["month"].as_str().unwrap().to_owned();
        items.map(month).collect::<Vec<_>>()
    };
    let (list, own) = ("/api/v1/statements", partner("partner1"));
    assert_eq!(months(list, &own).await, ["2026-11", "2026-10"]);
    let one = format!("{list}?month=2026-10");
    assert_eq!(months(&one, &own).await, ["2026-10"]);
    assert_eq!(months(list, &operator()).await.len(), 3);
    let of = format!("{list}?partner_id=partner2");
    assert_eq!(months(&of, &operator()).await, ["2026-11"]);
    for month in ["2026-13", "2026-1", "november"] {
        let path = format!("{list}?month={month}");
        let (status, _) = app.get(&path, &own).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{month}");
    }

    let path = format!("{list}/{}", ids[1]);
    let (status, shown) = app.get(&path, &own).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    let line = json!({
        "account": "payable", "currency": "USD",
        "opening": "8.50", "credited": "0.00", "debited": "1.50", "closing": "7.00",
    });
    assert_eq!(shown["lines"], json!([line]));
    for (token, expected) in [
        (partner("partner2"), StatusCode::NOT_FOUND),
        (operator(), StatusCode::OK),
    ] {
        let (status, _) = app.get(&path, &token).await;
        assert_eq!(status, expected);
    }
    let (status, _) = app.get(&path, &brand("brand1")).await;
    assert_ne!(status, StatusCode::OK, "it is no brand's");

    let csv = app.client.get(format!("{}{path}", app.base_url));
    let csv = csv.bearer_auth(&own).header(ACCEPT, "text/csv");
    let csv = csv.send().await.unwrap().text().await.unwrap();
    assert_eq!(
        csv,
        "account,currency,opening,credited,debited,closing\r\npayable,USD,8.50,0.00,1.50,7.00\r\n"
    );
}
