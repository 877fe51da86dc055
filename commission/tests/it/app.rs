//! What the tests say to commission, and what they read of it.

use commission::Commission;
use host::testing::{TestService, operator, until};
use money::Micros;
use pipeline::Answer;
use schemas::{
    Body, CommissionCalculatedV1, ConversionAttributedV1, ConversionRefundedV1, Message, Plan,
    TermsPublishedV1, Topic, WireMoney,
};
use serde_json::Value;

pub const CAMPAIGN: &str = "camp123";
pub const COMMISSIONS: &str = "/api/v1/commission/commissions";

pub async fn start() -> TestService {
    TestService::start::<Commission>(commission::define).await
}

pub fn usd(minor: i64) -> WireMoney {
    WireMoney {
        minor,
        currency: "USD".to_owned(),
    }
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
        version,
        brand_id: "brand1".to_owned(),
        currency: "USD".to_owned(),
        window_days: 30,
        plan,
        effective_at: Micros(1_790_000_000_000_000),
    }
    .into()
}

pub fn sale(amount: i64) -> ConversionAttributedV1 {
    ConversionAttributedV1 {
        event_type: "purchase".to_owned(),
        order_id: Some("order1".to_owned()),
        alias_id: None,
        campaign_id: CAMPAIGN.to_owned(),
        brand_id: "brand1".to_owned(),
        partner_id: "partner123".to_owned(),
        link_code: "lnk_1".to_owned(),
        click_id: "clk_1".to_owned(),
        amount: Some(usd(amount)),
        terms_version: 1,
        occurred_at: Micros(1_790_000_000_000_000),
    }
}

pub fn refund(part: i64, total: i64, purchase: i64) -> Body {
    ConversionRefundedV1 {
        amount: usd(part),
        refunded_total: usd(total),
        purchase_amount: usd(purchase),
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

/// How many rows of each state are set aside, with their reasons.
pub async fn parked(service: &TestService) -> Vec<(String, String)> {
    sqlx::query_as("SELECT state, reason FROM pipeline.parked ORDER BY arrival")
        .fetch_all(service.pool())
        .await
        .unwrap()
}
