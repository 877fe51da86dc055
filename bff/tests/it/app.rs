//! The bff under test, and the facts that other services would send it.

use axum::http::StatusCode;
use messaging::{Answer, clock};
use runtime::testing::{TestService, message, partner};
use schemas::{
    Body, ClaimedSale, CommandRejectedV1, CommissionCalculatedV1, ConversionRefundedV1,
    ConversionUnattributedV1, EnrollmentAcceptedV1, LedgerPostedV1, Message, PayoutRequestedV1,
    SealingKeyPublishedV1, Topic, Transfer,
};
use sealing::{KeyPair, PrivateKey};
use serde_json::{Value, json};
use types::{
    BrandId, CampaignId, ClickId, ConversionId, ConversionType, Currency, LinkCode, Micros, Money,
    OrderId, PartnerId, PayoutMethod, TermsVersion,
};
use uuid::Uuid;

/// A running bff.
pub async fn bff() -> TestService {
    TestService::start(bff::define).await
}

/// The partner of the walk.
pub fn partner123() -> String {
    partner("partner123")
}

/// The body of the walk's second step.
pub fn acceptance() -> Value {
    json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}})
}

/// The body of the walk's fourth step.
pub fn payout() -> Value {
    json!({"amount": 150.00, "currency": "USD", "payment_method": "paypal", "account_details": {"email": "user@example.com"}})
}

/// Accepts camp123, and returns the command's id.
pub async fn accept(app: &TestService, token: &str) -> Uuid {
    let path = "/api/v1/campaigns/camp123/accept";
    submitted(app, token, path, &acceptance()).await.header.id
}

/// Posts what must be taken, and returns the command as it stands in the log.
pub async fn submitted(app: &TestService, token: &str, path: &str, body: &Value) -> Message {
    let (status, answer) = app.post(path, token, body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{path}: {answer}");
    logged(app, id(&answer["command_id"])).await
}

/// A UUID of a body.
pub fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

/// The command of that id, as it stands in the log.
pub async fn logged(app: &TestService, id: Uuid) -> Message {
    let log = app.log().await;
    log.into_iter().find(|m| m.header.id == id).unwrap()
}

/// The last message of the log.
pub async fn last(app: &TestService) -> Message {
    app.log().await.pop().unwrap()
}

/// Rows of a table.
pub async fn count(app: &TestService, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(app.pool())
        .await
        .unwrap()
}

/// An event that is the outcome of a command, next in its topic's stream.
pub async fn outcome(app: &TestService, topic: Topic, command: &Message, body: Body) -> Message {
    let sequence = next(app, topic).await;
    let (key, subject) = (&command.header.key, &command.header.subject);
    let mut event = message(topic, key, subject, body, Some(sequence));
    event.header.outcome_of = Some(command.header.id);
    event.header.causation_id = Some(command.header.id);
    event.header.correlation_id = command.header.correlation_id;
    event.header.actor.clone_from(&command.header.actor);
    event
}

/// Delivers an event as the outcome of a command.
pub async fn deliver_outcome(
    app: &TestService,
    topic: Topic,
    command: &Message,
    body: Body,
) -> Answer {
    let event = outcome(app, topic, command, body).await;
    app.deliver_all(topic, vec![event]).await.remove(0)
}

/// Delivers facts that nobody asked for, as one entry.
pub async fn facts(app: &TestService, topic: Topic, facts: &[(&str, &str, Body)]) -> Vec<Message> {
    let first = next(app, topic).await;
    let messages: Vec<Message> = (first..)
        .zip(facts)
        .map(|(sequence, (key, subject, body))| {
            message(topic, key, subject, body.clone(), Some(sequence))
        })
        .collect();
    for answer in app.deliver_all(topic, messages.clone()).await {
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    }
    messages
}

/// The sequence that the topic's stream goes on with.
async fn next(app: &TestService, topic: Topic) -> i64 {
    let at: Option<i64> =
        sqlx::query_scalar("SELECT max(sequence) FROM pipeline.watermark WHERE topic = $1")
            .bind(topic.name())
            .fetch_one(app.pool())
            .await
            .unwrap();
    at.unwrap_or(0) + 1
}

/// That partner123 is in.
pub fn accepted() -> Body {
    EnrollmentAcceptedV1 {
        partner_id: PartnerId::parse("partner123").unwrap(),
        terms_version: TermsVersion::FIRST,
        brand_id: None,
    }
    .into()
}

/// A refusal.
pub fn rejected(code: &str) -> Body {
    CommandRejectedV1 {
        command_type: "campaign.accept.command.v1".to_owned(),
        code: code.to_owned(),
        detail: "version 1 of the terms is accepted already".to_owned(),
        pointer: Some("/terms_version".to_owned()),
    }
    .into()
}

/// Dollars.
pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// That a quarter of a purchase of 100 dollars was refunded.
pub fn quarter_refunded() -> Body {
    ConversionRefundedV1 {
        amount: usd(2_500),
        refunded_total: usd(2_500),
        purchase_amount: usd(10_000),
        partner_id: None,
        brand_id: None,
    }
    .into()
}

/// That partner and brand have a commission of so many cents, a tenth of what was paid.
pub fn calculated(partner: &str, brand: &str, minor: i64, status: &str) -> Body {
    CommissionCalculatedV1 {
        partner_id: PartnerId::parse(partner).unwrap(),
        brand_id: BrandId::parse(brand).unwrap(),
        campaign_id: CampaignId::parse("camp123").unwrap(),
        event_type: ConversionType::Purchase,
        base: Some(usd(minor * 10)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "half_even".to_owned(),
        amount: usd(minor),
        status: status.to_owned(),
        hold_until: (status == "held").then_some(Micros(1_900_000_000_000_000)),
    }
    .into()
}

/// What partner123 says that brand1 was paid.
pub fn claimed() -> ClaimedSale {
    ClaimedSale {
        conversion_id: ConversionId::parse("c1").unwrap(),
        event_type: ConversionType::Purchase,
        order_id: Some(OrderId::parse("o1").unwrap()),
        campaign_id: CampaignId::parse("camp123").unwrap(),
        brand_id: BrandId::parse("brand1").unwrap(),
        partner_id: PartnerId::parse("partner123").unwrap(),
        link_code: LinkCode::parse("lnk_1").unwrap(),
        click_id: ClickId::parse("clk_1").unwrap(),
        amount: Some(usd(10_000)),
        terms_version: TermsVersion::FIRST,
        occurred_at: Micros(1_900_000_000_000_000),
    }
}

/// A purchase that came to nobody.
pub fn nobodys(order: &str) -> Body {
    ConversionUnattributedV1 {
        event_type: ConversionType::Purchase,
        reason: "no_click".to_owned(),
        amount: Some("99.9".to_owned()),
        currency: None,
        order_id: Some(order.parse().unwrap()),
        campaign_id: None,
        click_id: None,
        user_hash: "00".repeat(32),
        occurred_at: Micros(2),
    }
    .into()
}

/// That money moved from one account to another.
pub fn posted(debit: &str, credit: &str, minor: i64) -> Body {
    LedgerPostedV1 {
        transfers: vec![Transfer {
            id: Uuid::now_v7(),
            debit: debit.to_owned(),
            credit: credit.to_owned(),
            minor,
            currency: Currency::USD,
        }],
        cause: "commission.calculated.v1".to_owned(),
        conversion_id: Some("conversion1".to_owned()),
        reason: None,
    }
    .into()
}

/// That so many cents are reserved for a payout.
pub fn payout_requested(minor: i64) -> Body {
    PayoutRequestedV1 {
        amount: usd(minor),
        method: PayoutMethod::Paypal,
        masked: "u***@example.com".to_owned(),
        transfer_id: Uuid::now_v7(),
    }
    .into()
}

/// Publishes a sealing key that is good for so long; what is sealed to it can be opened with what is returned.
pub async fn publish_key(app: &TestService, id: &str, seconds: i64) -> PrivateKey {
    let pair = KeyPair::generate().unwrap();
    let published = SealingKeyPublishedV1 {
        public_key: pair.public,
        not_after: clock::now().checked_add_seconds(seconds).unwrap(),
    };
    facts(app, Topic::PaymentEvents, &[(id, id, published.into())]).await;
    pair.private
}
