//! Payment details are sealed before anything of them is stored.

use axum::http::StatusCode;
use runtime::testing::{TestService, lines};
use schemas::{Body, RequestPayoutV1, Topic};
use serde_json::{Value, json};
use sqlx::Row;
use types::{PayoutId, PayoutMethod};

use crate::app::{bff, count, deliver_outcome, last, partner123, payout, publish_key, submitted};

const PATH: &str = "/api/v1/payments/request";
const EMAIL: &str = "canary-7f3a@example.com";
const IBAN: &str = "DE89370400440532013000";

fn sealed(body: Body) -> RequestPayoutV1 {
    match body {
        Body::RequestPayoutV1(request) => request,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_key_there_is_no_request() {
    let app = bff().await;
    let (status, problem) = app.post(PATH, &partner123(), &payout()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["code"], "sealing_key_missing");
    publish_key(&app, "old", -1).await;
    let (status, _) = app.post(PATH, &partner123(), &payout()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(count(&app, "pipeline.message_log").await, 0);
}

#[tokio::test]
async fn payment_alone_can_open_what_is_sealed_to_its_newest_key() {
    let app = bff().await;
    publish_key(&app, "key1", 3_600).await;
    let newest = publish_key(&app, "key2", 7_200).await;
    let command = submitted(&app, &partner123(), PATH, &payout()).await;
    let made = PayoutId::of_command(command.header.id);
    assert_eq!(command.header.kind, "payment.request_payout.command.v1");
    assert_eq!(command.header.key, "partner123");
    assert_eq!(command.header.subject, made.as_str());
    let request = sealed(command.body);
    assert_eq!(
        (request.amount.minor, request.amount.currency.as_str()),
        (15_000, "USD")
    );
    assert_eq!(request.key_id, "key2");
    assert_eq!(request.masked, "u***@example.com");
    let opened = sealing::open(&newest, "key2", "partner123", &request.sealed_details).unwrap();
    assert_eq!(opened.to_json(), br#"{"email":"user@example.com"}"#);
    let method = PayoutMethod::parse(&request.method).unwrap();
    assert!(opened.checked(method).is_ok());
    assert!(sealing::open(&newest, "key2", "partner9", &request.sealed_details).is_err());
}

#[tokio::test]
async fn an_iban_is_sealed_as_its_standard_writes_it_and_shown_by_its_end() {
    let app = bff().await;
    let key = publish_key(&app, "key1", 3_600).await;
    let body = json!({"amount": "1", "currency": "EUR", "payment_method": "bank_transfer",
        "account_details": {"iban": "de89 3704 0044 0532 0130 00", "name": "A. Nna", "bic": "COBADEFFXXX"}});
    let request = sealed(submitted(&app, &partner123(), PATH, &body).await.body);
    assert_eq!(
        (request.masked.as_str(), request.amount.minor),
        ("****3000", 100)
    );
    let opened = sealing::open(&key, "key1", "partner123", &request.sealed_details).unwrap();
    let opened: Value = serde_json::from_slice(&opened.to_json()).unwrap();
    assert_eq!(opened["iban"], IBAN);
    assert_eq!(opened["name"], "A. Nna");
}

/// Everything in every table, bytes as they are.
pub async fn dump(app: &TestService) -> String {
    let tables = sqlx::query(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
          WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let name: String = table.get("name");
        for row in runtime::testing::rows(app.pool(), &name).await {
            dump.push_str(&row);
            dump.push('\n');
        }
    }
    dump
}

#[tokio::test]
async fn marked_payment_details_are_in_no_table_log_line_or_answer() {
    let (lines, _listens) = lines();
    let app = bff().await;
    publish_key(&app, "key1", 3_600).await;
    let mut paypal = payout();
    paypal["account_details"]["email"] = EMAIL.into();
    let bank = json!({"amount": "1", "currency": "EUR", "payment_method": "bank_transfer",
        "account_details": {"iban": IBAN, "name": "Canary 7f3a"}});
    let mut answers = String::new();
    for body in [&paypal, &bank] {
        for _ in 0..2 {
            let (status, answer) = app
                .post_with_key(PATH, &partner123(), &body["currency"].to_string(), body)
                .await;
            assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
            answers.push_str(&answer.to_string());
        }
    }
    // What is refused is not repeated to anyone either.
    let mut wrong = bank.clone();
    wrong["account_details"]["iban"] = "DE88370400440532013000".into();
    let mut strange = paypal.clone();
    strange["account_details"][EMAIL] = IBAN.into();
    for body in [wrong, strange] {
        let (status, answer) = app.post(PATH, &partner123(), &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        answers.push_str(&answer["detail"].to_string());
    }
    let command = last(&app).await;
    let refusal = crate::app::rejected("insufficient_balance");
    deliver_outcome(&app, Topic::PaymentEvents, &command, refusal).await;
    let (_, listed) = app.get("/api/v1/commands", &partner123()).await;
    answers.push_str(&listed.to_string());

    let (tables, logged) = (dump(&app).await, lines.logged());
    assert!(tables.contains("payment.request_payout.command.v1"));
    assert!(
        logged.contains("payments/request"),
        "nothing was logged: the test shows nothing"
    );
    for marked in [EMAIL, IBAN, "Canary 7f3a", "88370400440532013000"] {
        use std::fmt::Write;
        let hexadecimal = marked.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        for (place, text) in [
            ("a table", &tables),
            ("a log line", &logged),
            ("an answer", &answers),
        ] {
            assert!(!text.contains(marked), "{marked} is in {place}");
            assert!(
                !text.contains(&hexadecimal),
                "{marked} is in {place}, as bytes"
            );
        }
    }
}
