//! Notify with what its tests ask of it and let happen elsewhere.

use std::collections::HashMap;
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{self, MethodRouter};
use chassis::config::Env;
use notify::Notify;
use runtime::testing::{self, TestService, unmade_database, until};
use schemas::{
    Body, CampaignCreatedV1, CommissionApprovedV1, ConversionAttributedV1, ConversionRefundedV1,
    LinkCreatedV1, Topic,
};
use sealing::personal::PersonalKey;
use serde_json::{Value, json};
use types::{ConversionType, Currency, Micros, Money, TermsVersion};

pub(crate) const WEBHOOKS: &str = "/api/v1/notify/webhooks";
pub(crate) const DELIVERIES: &str = "/api/v1/notify/webhook-deliveries";

/// A secret whose seals are known again. A process has one set of keys, so every test of these has it.
const EARLIER_SECRET: &str = "an earlier secret for tests only, of 32 bytes too";

/// The variables of every test's service.
pub(crate) fn variables(database_url: &str) -> HashMap<String, String> {
    let mut variables = testing::variables(schemas::Service::Notify, database_url);
    let earlier = "LASTING_ACCEPTED_SECRET_KEYS".to_owned();
    variables.insert(earlier, EARLIER_SECRET.to_owned());
    variables
}

/// Since when the oldest waits by the figure of this name, in seconds.
pub(crate) async fn oldest(service: &TestService, name: &str) -> i64 {
    let variables = variables(&service.database_url);
    let definition = notify::define(&mut Env::from_map(variables));
    let mut gauges = definition.gauges.iter();
    let gauge = gauges.find(|it| it.name == name);
    let row: (String, i64) = sqlx::query_as(gauge.unwrap().sql)
        .fetch_one(service.pool())
        .await
        .unwrap();
    row.1
}

/// A notify that sends to this machine too.
pub(crate) async fn start() -> TestService {
    start_at(&unmade_database()).await
}

/// The same, on a database that is there.
pub(crate) async fn start_at(database_url: &str) -> TestService {
    let mut variables = variables(database_url);
    variables.insert("WEBHOOK_LOCAL_RECEIVERS".to_owned(), "true".to_owned());
    variables.insert("WEBHOOK_TIMEOUT_MS".to_owned(), "60000".to_owned());
    TestService::start_with::<Notify>(notify::define, variables).await
}

/// Where a service answers with these keys.
pub(crate) async fn with_keys(keys: Vec<PersonalKey>) -> String {
    let answer = move || {
        let kept = |key: &PersonalKey| json!({"id": key.id(), "kept": key.kept()});
        ready(axum::Json(keys.iter().map(kept).collect::<Value>()))
    };
    keys_at(routing::post(answer)).await
}

/// Where a service never answers who wants keys, and how often somebody did.
pub(crate) async fn without_answer() -> (String, Arc<AtomicUsize>) {
    let questions = Arc::new(AtomicUsize::new(0));
    let all = Arc::clone(&questions);
    let answer = move || {
        all.fetch_add(1, Ordering::Relaxed);
        pending::<()>()
    };
    (keys_at(routing::post(answer)).await, questions)
}

async fn keys_at(answer: MethodRouter) -> String {
    testing::serve(Router::new().route("/internal/v1/personal-keys", answer)).await
}

/// Asks for something that is to be answered so.
pub(crate) async fn post(
    service: &TestService,
    path: &str,
    token: &str,
    body: &Value,
    expected: StatusCode,
) -> Value {
    let (status, answer) = service.post(path, token, body).await;
    assert_eq!(status, expected, "{path}: {answer}");
    answer
}

/// An endpoint of a brand at this address, for these kinds.
pub(crate) async fn endpoint(
    service: &TestService,
    token: &str,
    url: &str,
    kinds: &[&str],
) -> String {
    let body = json!({"url": url, "kinds": kinds});
    let made = post(service, WEBHOOKS, token, &body, StatusCode::CREATED).await;
    made["endpoint_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn get(service: &TestService, path: &str, token: &str) -> Value {
    let (status, answer) = service.get(path, token).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

/// The deliveries to an endpoint, once so many have come to this.
pub(crate) async fn until_deliveries(
    service: &TestService,
    endpoint: &str,
    state: &str,
    count: usize,
) -> Vec<Value> {
    let path = format!("{DELIVERIES}?endpoint_id={endpoint}&state={state}");
    let operator = testing::operator();
    until(&format!("{count} deliveries {state}"), || async {
        let list = get(service, &path, &operator).await;
        list["items"].as_array().unwrap().len() == count
    })
    .await;
    let list = get(service, &path, &operator).await;
    list["items"].as_array().unwrap().clone()
}

/// An address of this owner's, sent everything.
pub(crate) async fn mail_address(service: &TestService, token: &str) {
    let url = format!("{}/api/v1/notify/contacts/mail", service.base_url);
    let body = json!({"addresses": [{"address": "mia@example.com"}]});
    let request = service.client.put(url).bearer_auth(token).json(&body);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").unwrap())
}

/// A campaign of a brand is known.
pub(crate) async fn campaign(service: &mut TestService, id: &str, brand: &str) {
    let created = CampaignCreatedV1 {
        brand_id: brand.parse().unwrap(),
        name: "Summer".to_owned(),
        currency: Currency::parse("USD").unwrap(),
        allowed_hosts: vec!["shop.example.com".to_owned()],
        fallback_url: None,
        join: None,
        description: None,
        landing_url: None,
        starts_at: None,
        ends_at: None,
        budget: None,
        trusts_redirects: None,
    };
    service
        .deliver(Topic::CampaignEvents, id, id, created.into())
        .await;
}

/// A purchase of this partner's.
pub(crate) async fn sale(service: &mut TestService, id: &str, brand: &str, partner: &str) {
    let attributed = attributed(id, brand, partner);
    service
        .deliver(Topic::TrackingEvents, id, id, attributed.into())
        .await;
}

/// Purchases of partner1 at brand1 in one entry, which begins there in its stream: what is sent of them is due at once.
pub(crate) async fn sales(service: &TestService, from: i64, ids: &[String]) {
    let messages = (from..).zip(ids).map(|(sequence, id)| {
        let body = attributed(id, "brand1", "partner1").into();
        testing::message(Topic::TrackingEvents, id, id, body, Some(sequence))
    });
    service
        .deliver_all(Topic::TrackingEvents, messages.collect())
        .await;
}

pub(crate) fn attributed(id: &str, brand: &str, partner: &str) -> ConversionAttributedV1 {
    ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: Some(id.parse().unwrap()),
        alias_id: None,
        campaign_id: "camp1".parse().unwrap(),
        brand_id: brand.parse().unwrap(),
        partner_id: partner.parse().unwrap(),
        link_code: "spring".parse().unwrap(),
        click_id: "clk_1".parse().unwrap(),
        amount: Some(usd(20_000)),
        terms_version: TermsVersion::new(1).unwrap(),
        occurred_at: Micros(1_790_000_000_000_000),
        verified_by: None,
        clicked_at: None,
        click_named: None,
    }
}

/// A part of a purchase of partner1 at brand1 went back.
pub(crate) async fn refund(service: &mut TestService, id: &str, minor: i64) {
    let refunded = ConversionRefundedV1 {
        amount: usd(minor),
        refunded_total: usd(minor),
        purchase_amount: usd(20_000),
        partner_id: Some("partner1".parse().unwrap()),
        brand_id: Some("brand1".parse().unwrap()),
    };
    service
        .deliver(Topic::TrackingEvents, id, id, refunded.into())
        .await;
}

/// It is earned.
pub(crate) async fn approval(service: &mut TestService, id: &str, brand: &str, partner: &str) {
    let approved = Body::from(CommissionApprovedV1 {
        partner_id: partner.parse().unwrap(),
        brand_id: brand.parse().unwrap(),
        amount: usd(2_000),
    });
    service
        .deliver(Topic::CommissionEvents, id, id, approved)
        .await;
}

/// A partner has a link for a campaign, whose brand it says, or does not, as those that were recorded before they did.
pub(crate) async fn link(
    service: &mut TestService,
    code: &str,
    (campaign, brand): (&str, Option<&str>),
    partner: &str,
) {
    let created = LinkCreatedV1 {
        campaign_id: campaign.parse().unwrap(),
        partner_id: partner.parse().unwrap(),
        target_url: "https://shop.example.com/".to_owned(),
        utm: None,
        deep_paths: None,
        brand_id: brand.map(|id| id.parse().unwrap()),
    };
    service
        .deliver(Topic::TrackingEvents, code, code, created.into())
        .await;
}
