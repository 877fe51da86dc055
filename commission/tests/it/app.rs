//! What the tests say to commission, and what they read of it.

use commission::Commission;
use messaging::Answer;
use runtime::testing::{TestService, operator, until};
use schemas::{
    Body, CommissionCalculatedV1, ConversionAttributedV1, ConversionRefundedV1, Message, Plan,
    TermsPublishedV1, Topic,
};
use serde_json::Value;
use types::{ConversionType, Currency, Micros, Money, TermsVersion, WindowDays};

pub const CAMPAIGN: &str = "camp123";
pub const COMMISSIONS: &str = "/api/v1/commission/commissions";

pub async fn start() -> TestService {
    TestService::start::<Commission>(commission::define).await
}

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// 10 % of a sale, nothing for a lead, at once.
pub fn ten_percent() -> Plan {
    Plan {
        sale_bps: Some(1_000),
        sale_flat: None,
        lead_bps: None,
        lead_flat: None,
        hold_days: 0,
    }
}

pub fn held_for(hold_days: i32) -> Plan {
    Plan {
        hold_days,
        ..ten_percent()
    }
}

pub fn terms(version: i32, plan: Plan) -> Body {
    TermsPublishedV1 {
        version: TermsVersion::new(version).unwrap(),
        brand_id: "brand1".parse().unwrap(),
        currency: Currency::USD,
        window_days: WindowDays::new(30).unwrap(),
        plan,
        effective_at: Micros(1_790_000_000_000_000),
        text_hash: None,
        worsens: None,
        sealed_text: None,
    }
    .into()
}

pub fn sale(amount: i64) -> ConversionAttributedV1 {
    ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: Some("order1".parse().unwrap()),
        alias_id: None,
        campaign_id: CAMPAIGN.parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        partner_id: "partner123".parse().unwrap(),
        link_code: "lnk_1".parse().unwrap(),
        click_id: "clk_1".parse().unwrap(),
        amount: Some(usd(amount)),
        terms_version: TermsVersion::FIRST,
        occurred_at: Micros(1_790_000_000_000_000),
        verified_by: Some("brand".to_owned()),
        clicked_at: None,
        click_named: None,
    }
}

pub fn refund(part: i64, total: i64, purchase: i64) -> Body {
    ConversionRefundedV1 {
        amount: usd(part),
        refunded_total: usd(total),
        purchase_amount: usd(purchase),
        partner_id: None,
        brand_id: None,
    }
    .into()
}

pub async fn publish(service: &mut TestService, version: i32, plan: Plan) -> Answer {
    let terms = terms(version, plan);
    let delivered = service.deliver(Topic::CampaignEvents, CAMPAIGN, CAMPAIGN, terms);
    delivered.await.1
}

pub async fn attribute(
    service: &mut TestService,
    conversion: &str,
    sale: ConversionAttributedV1,
) -> Answer {
    let delivered = service.deliver(Topic::TrackingEvents, conversion, conversion, sale.into());
    delivered.await.1
}

pub async fn refund_of(service: &mut TestService, conversion: &str, refund: Body) -> Answer {
    let delivered = service.deliver(Topic::TrackingEvents, conversion, conversion, refund);
    delivered.await.1
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

pub async fn calculated(service: &TestService) -> CommissionCalculatedV1 {
    match wait_for(service, "commission.calculated.v1").await.body {
        Body::CommissionCalculatedV1(body) => body,
        other => panic!("{other:?}"),
    }
}

/// One commission as the operator sees it.
pub async fn see(service: &TestService, id: &str) -> Value {
    let (status, body) = service
        .get(&format!("{COMMISSIONS}/{id}"), &operator())
        .await;
    assert_eq!(status, 200, "{body}");
    body
}

/// How many rows of each state are in the retry queue, with their reasons.
pub async fn retry_queue(service: &TestService) -> Vec<(String, String)> {
    sqlx::query_as("SELECT state, reason FROM pipeline.parked ORDER BY arrival")
        .fetch_all(service.pool())
        .await
        .unwrap()
}
