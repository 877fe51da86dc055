//! Whoever may publish tries to be somebody else, on a whole stack, with and without tokens at the broker.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(clippy::large_futures, reason = "the client's")]

use std::process::Command;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::external_producer::producer_options;
use devstack::infra;
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::producers::{self, EXTERNAL_PRODUCER, VARIABLE};
use devstack::settings::Mode;
use devstack::stack::testing::{PYTHON, from_test_run};
use pulsar::producer::Message as RawMessage;
use schemas::{
    Actor, ApiKeyCreatedV1, Body, CommissionCalculatedV1, CreateApiKeyV1, Message, RequestPayoutV1,
    Service, Topic,
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use types::{
    ApiKeyId, ApiKeyScope, BrandId, CampaignId, ConversionType, Currency, Money, PartnerId,
    TermsVersion,
};
use uuid::Uuid;

use crate::traffic::{PATIENCE, Shop};

/// Puts a message on the first partition of a topic, as whoever has a grant to produce can.
async fn publish(stack: &LocalStack, topic: Topic, message: &Message) {
    let client = infra::broker_client(stack.settings()).unwrap();
    let client = client.build().await.unwrap();
    let place = infra::place(stack.settings()).unwrap();
    let name = format!("persistent://{}/{topic}-partition-0", place.path());
    let producer = client.producer().with_topic(name);
    let mut producer = producer
        .with_options(producer_options(topic))
        .build()
        .await
        .unwrap();
    let raw = RawMessage {
        payload: schemas::encode(topic, &message.header, &message.body).unwrap(),
        ..RawMessage::default()
    };
    producer
        .send_non_blocking(raw)
        .await
        .unwrap()
        .await
        .unwrap();
}

fn message(topic: Topic, source: &str, subject: &str, key: &str, body: Body) -> Message {
    producers::written(Uuid::now_v7(), source, topic, (subject, key), body).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A payout of the demo's partner, asked by an operator, as it says.
fn payout(source: &str) -> Message {
    let body = Body::RequestPayoutV1(RequestPayoutV1 {
        amount: usd(10).into(),
        method: "paypal".to_owned(),
        sealed_details: vec![1, 2, 3],
        key_id: "key1".to_owned(),
        masked: "m***@example.com".to_owned(),
    });
    let mut submitted = message(
        Topic::PaymentCommands,
        source,
        "po_forged",
        "partner123",
        body,
    );
    submitted.header.actor = Some(Actor {
        subject: "operator".to_owned(),
        roles: vec!["operator".to_owned()],
        partner_id: None,
        brand_id: None,
    });
    submitted
}

/// A commission that was never earned, at this place of commission's stream.
fn earned(epoch: i64, sequence: i64) -> Message {
    let body = Body::CommissionCalculatedV1(CommissionCalculatedV1 {
        partner_id: PartnerId::parse("partner123").unwrap(),
        brand_id: BrandId::parse("brand123").unwrap(),
        campaign_id: CampaignId::parse("camp123").unwrap(),
        event_type: ConversionType::Purchase,
        base: None,
        rate_bps: None,
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "none".to_owned(),
        amount: usd(1_000_000),
        status: "approved".to_owned(),
        hold_until: None,
    });
    let conversion = Uuid::now_v7().to_string();
    let topic = Topic::CommissionEvents;
    let mut fact = message(topic, "commission", &conversion, &conversion, body);
    (fact.header.epoch, fact.header.sequence) = (Some(epoch), Some(sequence));
    fact
}

/// A key that campaign never made, of this hash, at this place of campaign's stream.
fn made(hash: &str, sequence: i64) -> Message {
    let body = Body::ApiKeyCreatedV1(ApiKeyCreatedV1 {
        brand_id: BrandId::parse("brand123").unwrap(),
        prefix: hash[..8].to_owned(),
        hash: hash.to_owned(),
        scopes: ApiKeyScope::ALL.to_vec(),
        expires_at: None,
    });
    let key = ApiKeyId::of_command(Uuid::now_v7()).into_string();
    let mut fact = message(Topic::CampaignEvents, "campaign", &key, &key, body);
    (fact.header.epoch, fact.header.sequence) = (Some(1), Some(sequence));
    fact
}

/// The command that would make it, as if the bff had taken it of an operator.
fn make(hash: &str) -> Message {
    let body = Body::CreateApiKeyV1(CreateApiKeyV1 {
        brand_id: "brand123".to_owned(),
        prefix: hash[..8].to_owned(),
        hash: hash.to_owned(),
        scopes: vec!["reports.read".to_owned()],
        expires_at: None,
    });
    let id = Uuid::now_v7();
    let key = ApiKeyId::of_command(id).into_string();
    let mut submitted = message(Topic::CampaignCommands, "bff", &key, &key, body);
    submitted.header.id = id;
    submitted.header.actor = Some(Actor {
        subject: "operator".to_owned(),
        roles: vec!["operator".to_owned()],
        partner_id: None,
        brand_id: None,
    });
    submitted
}

async fn one(database: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}

/// Waits for the refusal of what has this correlation id; its code.
async fn refusal(database: &mut PgConnection, id: Uuid) -> String {
    const REFUSED: &str =
        "SELECT i.code FROM pipeline.message_log l JOIN pipeline.inbox i ON i.id = l.outcome_of
                            WHERE l.correlation_id = $1 AND l.type = 'command.rejected.v1'";
    let end = Instant::now() + PATIENCE;
    loop {
        let code = sqlx::query_scalar(REFUSED).bind(id);
        if let Some(code) = code.fetch_optional(&mut *database).await.unwrap() {
            return code;
        }
        assert!(Instant::now() < end, "{id} is not refused");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A key of `brand123`, made as brands make them; its id.
async fn make_key(stack: &LocalStack) -> String {
    let url = format!("{}/api/v1/keys", stack.url(Service::Bff).unwrap());
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(url)
        .bearer_auth(brand)
        .header("prefer", "wait=20");
    let request = request.json(&serde_json::json!({"scopes": ["reports.read"]}));
    let made: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(made["status"], "completed", "{made}");
    made["key_id"].as_str().unwrap().to_owned()
}

async fn attacked(auth: &str) {
    let stack = LocalStack::start_with_broker(Mode::Event, &[("BROKER_AUTH", auth)]).await;
    let stack = stack.unwrap();
    stack.load_demo().await.unwrap();
    let url = stack.database_url(Service::Payment).unwrap();
    let mut payment = PgConnection::connect(&url).await.unwrap();
    let shop = Shop::new(
        &stack,
        "forged",
        vec![stack.url(Service::Bff).unwrap().to_owned()],
    );
    let first = shop.buy().await;
    shop.wait_for(&[first]).await;
    let next = one(
        &mut payment,
        "SELECT max(sequence) + 1 FROM pipeline.watermark WHERE source = 'commission'",
    )
    .await;

    let as_bff = payout("bff");
    publish(&stack, Topic::PaymentCommands, &as_bff).await;
    let stranger = payout("acme-shop");
    publish(&stack, Topic::PaymentCommands, &stranger).await;
    let unsigned = payout(EXTERNAL_PRODUCER.0);
    publish(&stack, Topic::PaymentCommands, &unsigned).await;
    publish(&stack, Topic::CommissionEvents, &earned(1, next)).await;
    publish(&stack, Topic::CommissionEvents, &earned(99, 1)).await;

    let url = stack.database_url(Service::Tracking).unwrap();
    let mut tracking = PgConnection::connect(&url).await.unwrap();
    let next = one(
        &mut tracking,
        "SELECT max(sequence) + 1 FROM pipeline.watermark WHERE source = 'campaign'",
    )
    .await;
    let forged = "11".repeat(32);
    publish(&stack, Topic::CampaignEvents, &made(&forged, next)).await;
    publish(&stack, Topic::CampaignCommands, &make(&forged)).await;

    for submitted in [&stranger, &unsigned] {
        let code = refusal(&mut payment, submitted.header.correlation_id).await;
        assert_eq!(code, "producer_unknown");
    }
    // The stream goes on with the true one.
    let second = shop.buy().await;
    shop.wait_for(&[first, second]).await;
    shop.assert_once(&[first, second]).await;
    // Had it been believed, it would have ended somehow.
    let ended: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM pipeline.inbox WHERE id = $1)
              + (SELECT count(*) FROM pipeline.message_log WHERE correlation_id = $2)",
    )
    .bind(as_bff.header.id)
    .bind(as_bff.header.correlation_id)
    .fetch_one(&mut payment)
    .await
    .unwrap();
    assert_eq!(ended, 0, "what the bff never asked is not handled");
    // A key that campaign made after the forgeries is there, and they are not.
    let known = make_key(&stack).await;
    for service in [Service::Campaign, Service::Tracking, Service::Bff] {
        let url = stack.database_url(service).unwrap();
        let mut database = PgConnection::connect(&url).await.unwrap();
        let keys = "SELECT array_agg(id) FROM api_keys";
        let end = Instant::now() + PATIENCE;
        loop {
            let keys: Option<Vec<String>> = sqlx::query_scalar(keys)
                .fetch_one(&mut database)
                .await
                .unwrap();
            match keys.as_deref() {
                Some([key]) if *key == known => break,
                None => assert!(Instant::now() < end, "{service} does not know the key"),
                other => panic!("{service} has {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    for (what, sql) in [
        ("a payout", "SELECT count(*) FROM payouts"),
        (
            "money",
            "SELECT count(*) FROM balances WHERE abs(minor) >= 1000000",
        ),
        ("a dead letter", "SELECT count(*) FROM pipeline.parked"),
        (
            "an epoch to accept",
            "SELECT count(*) FROM pipeline.stopped_stream",
        ),
        (
            "another epoch",
            "SELECT count(*) FROM pipeline.watermark WHERE epoch > 1",
        ),
    ] {
        assert_eq!(one(&mut payment, sql).await, 0, "{what} came of it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgeries_come_to_nothing_at_a_broker_that_asks_nobody() {
    attacked("none").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgeries_of_who_has_a_grant_to_produce_come_to_nothing() {
    attacked("token").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_python_client_publishes_a_purchase_with_its_key_as_the_guide_shows() {
    let stack = LocalStack::start_with_broker(Mode::Event, &[("BROKER_AUTH", "none")]).await;
    let stack = stack.unwrap();
    stack.load_demo().await.unwrap();
    let url = stack.database_url(Service::Tracking).unwrap();
    let mut tracking = PgConnection::connect(&url).await.unwrap();
    let settings = stack.settings();
    let keys = settings.need(VARIABLE).unwrap();
    let own = keys
        .split(';')
        .find(|key| key.starts_with(EXTERNAL_PRODUCER.0));
    let own: Vec<&str> = own.unwrap().split(':').collect();
    let root = Layout::find().root;
    let publish = |order: &str, secret: &str| {
        let mut client = Command::new(from_test_run(PYTHON));
        client
            .arg(root.join("schemas/tests/publish_purchase.py"))
            .args([
                "--service-url",
                settings.need("PULSAR_SERVICE_URL").unwrap(),
            ])
            .args(["--tenant", settings.need("PULSAR_TENANT").unwrap()])
            .args(["--namespace", settings.need("PULSAR_NAMESPACE").unwrap()])
            .arg("--schema-file")
            .arg(root.join("schemas/avro/tracking-commands.avsc"))
            .args(["--source", own[0], "--key-id", own[2]])
            .args([
                "--campaign",
                "camp123",
                "--order",
                order,
                "--user",
                "user123",
            ])
            .args(["--amount", "10.00"])
            .env("PRODUCER_SECRET", secret);
        let output = client.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let id = |name: &str| printed[name].as_str().unwrap().parse::<Uuid>().unwrap();
        (id("id"), id("correlationid"))
    };
    let (id, _) = publish("python-1", own[3]);
    let end = Instant::now() + PATIENCE;
    let (state, actor): (String, Option<String>) = loop {
        let row = sqlx::query_as("SELECT state, actor FROM pipeline.inbox WHERE id = $1").bind(id);
        if let Some(row) = row.fetch_optional(&mut tracking).await.unwrap() {
            break row;
        }
        assert!(Instant::now() < end, "the purchase does not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(state, "done");
    assert_eq!(actor.as_deref(), Some("producer:partner-system"));
    let (_, correlation) = publish("python-2", "another secret, of more than 32 bytes");
    assert_eq!(
        refusal(&mut tracking, correlation).await,
        "producer_unknown"
    );
}
