//! Changing `PAYMENT_DATA_KEY` while payouts are asked for.

use std::collections::HashMap;

use axum::http::StatusCode;
use runtime::testing::{TestService, operator, partner, unmade_database, until};
use sealing::DataKey;
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::app::{App, DATA_KEY, payment_variables, payout};
use crate::killed::Program;
use crate::provider::Provider;

const NEW_KEY: &str = "another data key for tests, of more than 32 bytes";

/// Payment's variables with this key and what else may have encrypted something.
fn keyed(
    database_url: &str,
    provider: &Provider,
    current: &str,
    accepted: &str,
) -> HashMap<String, String> {
    let mut variables = payment_variables(database_url, provider, 500);
    variables.insert("PAYMENT_DATA_KEY".to_owned(), current.to_owned());
    variables.insert("PAYMENT_ACCEPTED_DATA_KEYS".to_owned(), accepted.to_owned());
    variables
}

async fn granted(service: &TestService) -> String {
    let path = "/api/v1/payment/payouts";
    let (who, submitted) = (partner("partner123"), payout("1.00"));
    let (status, body) = service.post(path, &who, &submitted).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

async fn data_keys(service: &TestService) -> Value {
    let (status, keys) = service
        .get("/api/v1/operator/payment/keys", &operator())
        .await;
    assert_eq!(status, StatusCode::OK, "{keys}");
    keys["data_keys"].clone()
}

fn key(secret: &str) -> DataKey {
    DataKey::derive(&SecretString::from(secret)).unwrap()
}

async fn turn(service: &TestService, verb: &str) {
    let path = format!("/api/v1/operator/payment/payouts/{verb}");
    let (status, body) = service
        .post(&path, &operator(), &json!({"reason": "a test"}))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn the_data_key_is_changed_process_by_process_and_no_payout_is_refused_or_lost() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    // What is asked for stays encrypted until the end.
    turn(&app.service, "pause").await;
    let App { service, provider } = app;
    let url = service.database_url.clone();
    let start = async |current: &str, accepted: &str| {
        let variables = keyed(&url, &provider, current, accepted);
        TestService::start_with(payment::define, variables).await
    };
    let mut payouts = vec![granted(&service).await];

    // 1. Everybody knows the new key. 2. Everybody encrypts with it. Two processes beside each other all the while.
    let knowing = start(DATA_KEY, NEW_KEY).await;
    payouts.extend([granted(&service).await, granted(&knowing).await]);
    service.stop().await;
    let using = start(NEW_KEY, DATA_KEY).await;
    payouts.extend([granted(&knowing).await, granted(&using).await]);
    knowing.stop().await;
    payouts.push(granted(&using).await);
    until("everything is encrypted with the new key", || async {
        data_keys(&using).await.as_array().unwrap().len() == 1
    })
    .await;
    // 3. Nobody knows the old one.
    let alone = start(NEW_KEY, "").await;
    payouts.extend([granted(&using).await, granted(&alone).await]);
    using.stop().await;
    payouts.push(granted(&alone).await);
    let keys = data_keys(&alone).await;
    assert_eq!(keys[0]["payout_details"], payouts.len(), "{keys}");

    turn(&alone, "resume").await;
    for id in &payouts {
        until(&format!("{id} is paid"), || async {
            let path = format!("/api/v1/payment/payouts/{id}");
            alone.get(&path, &operator()).await.1["status"] == "paid"
        })
        .await;
    }
    alone.stop().await;
}

const ROWS: i64 = 2_000;

async fn encrypted_by(pool: &PgPool, key: &DataKey) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM aside.payout_details WHERE data_key = $1")
        .bind(key.id())
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Details of payouts of long ago: by builds that note the key, by those that do not, and one by a key that nobody has.
async fn many_details(pool: &PgPool) {
    let (old, lost) = (key(DATA_KEY), key("a key that nobody has any more ......"));
    for number in 0..ROWS {
        let id = format!("pay_{number:05}");
        let by = if number == 7 { &lost } else { &old };
        let noted = (number % 2 == 1).then(|| by.id());
        sqlx::query(
            "INSERT INTO aside.payout_details VALUES ($1, $2, gen_random_uuid(), NULL, $3)",
        )
        .bind(&id)
        .bind(by.encrypt(&id, id.as_bytes()).unwrap())
        .bind(noted)
        .execute(pool)
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_and_what_no_key_opens_stays_as_it_is() {
    let provider = Provider::start().await;
    let url = unmade_database();
    let variables = keyed(&url, &provider, DATA_KEY, "");
    let app = App::with(provider, variables, payment::define).await;
    let App { service, provider } = app;
    many_details(service.pool()).await;
    service.stop().await;
    let pool = PgPool::connect(&url).await.unwrap();
    let lost = "SELECT details FROM aside.payout_details WHERE payout = 'pay_00007'";
    let before: Vec<u8> = sqlx::query_scalar(lost).fetch_one(&pool).await.unwrap();

    let variables = keyed(&url, &provider, NEW_KEY, DATA_KEY);
    let new = key(NEW_KEY);
    let mut program = Program::start(variables.clone()).await;
    until("it has begun", || async {
        encrypted_by(&pool, &new).await > 0
    })
    .await;
    program.child.kill().await.unwrap();
    let done = encrypted_by(&pool, &new).await;
    assert!(done < ROWS - 1, "it was not killed in the middle: {done}");

    let service = TestService::start_with(payment::define, variables).await;
    until("it is done", || async {
        encrypted_by(&pool, &new).await == ROWS - 1
    })
    .await;
    let all: Vec<(String, Vec<u8>)> = sqlx::query_as(
        "SELECT payout, details FROM aside.payout_details WHERE payout <> 'pay_00007'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    for (id, details) in all {
        assert_eq!(new.decrypt(&id, &details).unwrap(), id.as_bytes());
    }
    let after: Vec<u8> = sqlx::query_scalar(lost).fetch_one(&pool).await.unwrap();
    assert_eq!(after, before, "its key may come back");
    assert_eq!(
        data_keys(&service).await.as_array().unwrap().len(),
        2,
        "and it is reported"
    );
    service.stop().await;
}
