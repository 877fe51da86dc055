//! What the tests say to tracking, and what they read of it.

use std::collections::HashMap;

use axum::http::StatusCode;
use runtime::testing::{self, TestService, message, operator, unmade_database, until};
use schemas::{
    Body, CampaignActivatedV1, EnrollmentAcceptedV1, Message, Plan, RecordEventV1, Service,
    TermsPublishedV1, Topic,
};
use serde_json::{Value, json};
use tracking::Tracking;
use types::{
    CampaignId, ConversionId, EnrollmentId, Micros, OrderId, PartnerId, TermsVersion, WindowDays,
};

pub const CAMPAIGN: &str = "camp100";
pub const PARTNER: &str = "partner123";
pub const BRAND: &str = "brand1";
pub const LINKS: &str = "/api/v1/tracking/links";
pub const EVENTS: &str = "/api/v1/tracking/events";
pub const CLAIMS: &str = "/api/v1/tracking/claims";
pub const CONVERSIONS: &str = "/api/v1/tracking/conversions";

/// Every table that is the fold of tracking's events.
pub const FOLDED: [&str; 9] = [
    "campaigns",
    "terms",
    "enrollments",
    "links",
    "conversions",
    "conversion_aliases",
    "claims",
    "tracking_events",
    "link_stops",
];

/// A secret whose hashes of visitors are known again. A process has one set of keys, so every test of these has it.
pub const EARLIER_SECRET: &str = "an earlier secret for tests only, of 32 bytes too";

/// The variables of every test's service.
pub fn variables(database_url: &str) -> HashMap<String, String> {
    let mut variables = testing::variables(Service::Tracking, database_url);
    let earlier = "LASTING_ACCEPTED_SECRET_KEYS".to_owned();
    variables.insert(earlier, EARLIER_SECRET.to_owned());
    variables
}

pub async fn start() -> TestService {
    start_with(variables(&unmade_database())).await
}

pub async fn start_with(variables: HashMap<String, String>) -> TestService {
    TestService::start_with::<Tracking>(tracking::define, variables).await
}

/// A service that knows `camp100` with `partner123` in it, whose link is `lnk_1`.
pub async fn start_with_link() -> TestService {
    start_with_link_and(&[]).await
}

/// The same with other variables.
pub async fn start_with_link_and(others: &[(&str, &str)]) -> TestService {
    let mut variables = variables(&unmade_database());
    for (name, value) in others {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    let mut service = start_with(variables).await;
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    create_link(&service, "lnk_1", CAMPAIGN, PARTNER).await;
    service
}

pub fn terms(version: i32, currency: &str, window_days: i32) -> Body {
    terms_of(BRAND, version, currency, window_days)
}

fn terms_of(brand: &str, version: i32, currency: &str, window_days: i32) -> Body {
    TermsPublishedV1 {
        version: TermsVersion::new(version).unwrap(),
        brand_id: brand.parse().unwrap(),
        currency: currency.parse().unwrap(),
        window_days: WindowDays::new(window_days).unwrap(),
        plan: Plan {
            sale_bps: Some(1_000),
            sale_flat: None,
            lead_bps: None,
            lead_flat: None,
            hold_days: 0,
        },
        effective_at: Micros(1_790_000_000_000_000),
        text_hash: None,
        worsens: None,
        sealed_text: None,
    }
    .into()
}

pub fn activated() -> Body {
    activated_of(BRAND)
}

fn activated_of(brand: &str) -> Body {
    CampaignActivatedV1 {
        brand_id: brand.parse().unwrap(),
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: Some(true),
        ends_at: None,
    }
    .into()
}

pub fn accepted(partner: &str) -> Body {
    EnrollmentAcceptedV1 {
        partner_id: partner.parse().unwrap(),
        terms_version: TermsVersion::FIRST,
        brand_id: None,
    }
    .into()
}

pub fn enrollment(campaign: &str, partner: &str) -> String {
    let campaign = CampaignId::parse(campaign).unwrap();
    EnrollmentId::of(&campaign, &PartnerId::parse(partner).unwrap()).into_string()
}

/// Delivers one of campaign's facts.
pub async fn deliver(service: &mut TestService, campaign: &str, subject: &str, body: Body) {
    let topic = Topic::CampaignEvents;
    service.deliver(topic, campaign, subject, body).await;
}

/// Makes a campaign known, in USD and with a window of 30 days, and partners in it.
pub async fn adopt(service: &mut TestService, campaign: &str, partners: &[&str]) {
    adopt_of(service, BRAND, campaign, partners).await;
}

/// The same for a campaign of this brand.
pub async fn adopt_of(service: &mut TestService, brand: &str, campaign: &str, partners: &[&str]) {
    let terms = terms_of(brand, 1, "USD", 30);
    deliver(service, campaign, campaign, terms).await;
    deliver(service, campaign, campaign, activated_of(brand)).await;
    for partner in partners {
        let subject = enrollment(campaign, partner);
        deliver(service, campaign, &subject, accepted(partner)).await;
    }
}

pub async fn create_link(service: &TestService, code: &str, campaign: &str, partner: &str) {
    let body = json!({"campaign_id": campaign, "partner_id": partner, "code": code,
                      "target_url": "https://shop.example/p?a=b"});
    let (status, answer) = service.post(LINKS, &operator(), &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

/// Follows a link as a browser would; the click's id as the shop sees it.
pub async fn click(service: &TestService, code: &str, user: &str) -> String {
    let url = format!("{}/c/{code}?user_id={user}", service.base_url);
    let response = service.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    let location = response.headers()["location"].to_str().unwrap();
    let (target, click) = location.split_once("click_id=").unwrap();
    assert_eq!(target, "https://shop.example/p?a=b&");
    // It has its time in front. A machine's clock may be set back by a little, and what is reported next is later all the same.
    let rest = click.strip_prefix("clk_");
    let at = rest.and_then(|rest| i64::from_str_radix(rest.get(..14)?, 16).ok());
    until("the clock is past the click", || async {
        let state = messaging::clock::state(service.pool()).await.unwrap();
        at.is_none_or(|at| state.now > at)
    })
    .await;
    click.to_owned()
}

/// Reports as an operator; the answer.
pub async fn report(service: &TestService, body: &Value) -> (StatusCode, Value) {
    service.post(EVENTS, &operator(), body).await
}

/// Reports what must come to this outcome; the answer.
pub async fn report_as(service: &TestService, outcome: &str, body: &Value) -> Value {
    let (status, answer) = report(service, body).await;
    assert!(status.is_success(), "{status} {answer}");
    assert_eq!(answer["outcome"], outcome, "{answer}");
    answer
}

/// Reports what must be refused with this code.
pub async fn refused(service: &TestService, status: u16, code: &str, body: &Value) -> Value {
    let (answered, answer) = report(service, body).await;
    assert_eq!(
        (answered.as_u16(), &answer["code"]),
        (status, &json!(code)),
        "{answer}"
    );
    answer
}

pub fn purchase(user: &str, amount: &str) -> Value {
    json!({"user_id": user, "event_type": "purchase", "amount": amount})
}

pub fn order(user: &str, order: &str, amount: &str) -> Value {
    json!({"user_id": user, "event_type": "purchase", "amount": amount, "order_id": order})
}

pub fn refund(user: &str, order: &str, amount: &str) -> Value {
    json!({"user_id": user, "event_type": "refund", "amount": amount, "order_id": order})
}

/// The same with one more field.
pub fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

/// A conversion as the operator sees it.
pub async fn see(service: &TestService, answer: &Value) -> Value {
    let id = answer["conversion_id"].as_str().unwrap();
    let (status, body) = service
        .get(&format!("{CONVERSIONS}/{id}"), &operator())
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// The types of its log, oldest first.
pub async fn kinds(service: &TestService) -> Vec<String> {
    let log = service.log().await;
    log.into_iter().map(|message| message.header.kind).collect()
}

pub async fn wait_for(service: &TestService, kind: &str) -> Message {
    until(kind, || async {
        kinds(service).await.iter().any(|known| known == kind)
    })
    .await;
    let log = service.log().await;
    let mut found = log
        .into_iter()
        .filter(|message| message.header.kind == kind);
    found.next().unwrap()
}

/// A purchase of 10 that somebody reports, as it comes by a topic.
pub fn reported(user: &str, number: &str) -> Message {
    let id = ConversionId::of_order(None, &OrderId::parse(number).unwrap());
    let body = Body::RecordEventV1(RecordEventV1 {
        event_type: "purchase".to_owned(),
        user_id: user.to_owned(),
        occurred_at: None,
        amount: Some("10".to_owned()),
        currency: None,
        order_id: Some(number.to_owned()),
        campaign_id: None,
        click_id: None,
        product_id: None,
        metadata: None,
        visitor: None,
        conversion_id: None,
    });
    let topic = Topic::TrackingCommands;
    message(topic, id.as_str(), id.as_str(), body, None)
}
