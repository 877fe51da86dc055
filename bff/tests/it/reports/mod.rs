//! Reports: what they sum up, for whom, and by whose days.

mod cost;
mod days;
mod given_up;
mod kept;
mod sums;

use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{TestService, message, unmade_database, variables};
use schemas::{
    Body, CampaignCreatedV1, CommissionCalculatedV1, CommissionReversedV1, ConversionAttributedV1,
    Service, Topic,
};
use serde_json::{Value, json};
use types::{ConversionType, Currency, EarningStatus, JoinMode, Micros, Money, TermsVersion};

use crate::app::{bff, quarter_refunded, usd};

const REPORTS: &str = "/api/v1/reports";

/// Of a conversion in a test: whose it is and what it was worth.
#[derive(Clone, Copy)]
struct Sale {
    /// As RFC 3339.
    at: &'static str,
    id: &'static str,
    partner: &'static str,
    brand: &'static str,
    campaign: &'static str,
    link: &'static str,
    money: (i64, Currency),
    earned: i64,
}

/// One of partner123 for camp1 of brand1, of 100 dollars, that earns ten.
const SALE: Sale = Sale {
    at: "2026-05-10T12:00:00Z",
    id: "c1",
    partner: "partner123",
    brand: "brand1",
    campaign: "camp1",
    link: "lnk1",
    money: (10_000, Currency::USD),
    earned: 1_000,
};

fn micros(at: &str) -> Micros {
    chassis::time::parse_rfc3339(at).unwrap()
}

/// Delivers facts as of these moments, the key and subject each its own.
async fn state(app: &mut TestService, topic: Topic, facts: Vec<(&str, String, Body)>) {
    for (at, subject, body) in facts {
        let watermark: Option<i64> =
            sqlx::query_scalar("SELECT max(sequence) FROM pipeline.watermark WHERE topic = $1")
                .bind(topic.name())
                .fetch_one(app.pool())
                .await
                .unwrap();
        let sequence = watermark.unwrap_or(0) + 1;
        let mut fact = message(topic, &subject, &subject, body, Some(sequence));
        fact.header.time = micros(at);
        for answer in app.deliver_all(topic, vec![fact]).await {
            assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
        }
    }
}

fn attributed(sale: Sale, event_type: ConversionType) -> Body {
    let (minor, currency) = sale.money;
    ConversionAttributedV1 {
        event_type,
        order_id: None,
        alias_id: None,
        campaign_id: sale.campaign.parse().unwrap(),
        brand_id: sale.brand.parse().unwrap(),
        partner_id: sale.partner.parse().unwrap(),
        link_code: sale.link.parse().unwrap(),
        click_id: "clk_1".parse().unwrap(),
        amount: (event_type == ConversionType::Purchase).then(|| Money::new(minor, currency)),
        terms_version: TermsVersion::FIRST,
        occurred_at: micros(sale.at),
        verified_by: Some("brand".to_owned()),
        clicked_at: None,
        click_named: None,
    }
    .into()
}

fn calculated(sale: Sale) -> Body {
    let (minor, currency) = sale.money;
    CommissionCalculatedV1 {
        partner_id: sale.partner.parse().unwrap(),
        brand_id: sale.brand.parse().unwrap(),
        campaign_id: sale.campaign.parse().unwrap(),
        event_type: ConversionType::Purchase,
        base: Some(Money::new(minor, currency)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "half_even".to_owned(),
        amount: Money::new(sale.earned, currency),
        status: "approved".to_owned(),
        hold_until: None,
    }
    .into()
}

/// States purchases and what they earned, a second later.
async fn sell(app: &mut TestService, sales: &[Sale]) {
    for sale in sales {
        let id = sale.id.to_owned();
        let purchase = attributed(*sale, ConversionType::Purchase);
        state(
            app,
            Topic::TrackingEvents,
            vec![(sale.at, id.clone(), purchase)],
        )
        .await;
        let earned = calculated(*sale);
        state(app, Topic::CommissionEvents, vec![(sale.at, id, earned)]).await;
    }
}

/// States in July that a quarter of [`SALE`] was refunded, and as much of what it earned reversed.
async fn give_back(app: &mut TestService) {
    let reversed = CommissionReversedV1 {
        partner_id: SALE.partner.parse().unwrap(),
        brand_id: SALE.brand.parse().unwrap(),
        amount: usd(250),
        reversed_total: usd(250),
        from: EarningStatus::Payable,
    };
    for (topic, body) in [
        (Topic::TrackingEvents, quarter_refunded()),
        (Topic::CommissionEvents, reversed.into()),
    ] {
        let fact = ("2026-07-01T00:00:00Z", SALE.id.to_owned(), body);
        state(app, topic, vec![fact]).await;
    }
}

/// States that brand's campaign.
async fn campaign(app: &mut TestService, id: &str, brand: &str, currency: Currency) {
    let created = CampaignCreatedV1 {
        brand_id: brand.parse().unwrap(),
        name: "Summer sale".to_owned(),
        currency,
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        join: Some(JoinMode::Open),
        description: None,
        landing_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
        budget: None,
    };
    let at = "2026-01-01T00:00:00Z";
    state(
        app,
        Topic::CampaignEvents,
        vec![(at, id.to_owned(), created.into())],
    )
    .await;
}

/// A bff beside a tracking service, which has links and clicks of its own.
async fn with_tracking() -> (TestService, TestService) {
    let variables = |service, database: String| variables(service, &database);
    let of_tracking = variables(Service::Tracking, unmade_database());
    let tracking = TestService::start_with(tracking::define, of_tracking).await;
    let mut of_bff = variables(Service::Bff, unmade_database());
    of_bff.insert("TRACKING_SERVICE_URL".to_owned(), tracking.base_url.clone());
    (TestService::start_with(bff::define, of_bff).await, tracking)
}

/// A link at tracking, of a partner for that brand's campaign.
async fn link(tracking: &TestService, sale: Sale) {
    let (_, currency) = sale.money;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "INSERT INTO campaigns (id, brand_id, allowed_hosts, position) VALUES ('{0}', '{1}', '{{}}', 1) ON CONFLICT DO NOTHING;
         INSERT INTO terms (campaign_id, version, brand_id, currency, window_days, effective_at, position)
         VALUES ('{0}', 1, '{1}', '{2}', 30, 0, 1), ('{0}', 2, '{1}', '{2}', 30, 0, 2) ON CONFLICT DO NOTHING;
         INSERT INTO links (code, campaign_id, partner_id, enrollment_id, target_url, digest, created_at, position)
         VALUES ('{3}', '{0}', '{4}', 'e', 'https://shop.example/', 0, 0, 1)",
        sale.campaign, sale.brand, currency.code(), sale.link, sale.partner
    )))
    .execute(tracking.pool())
    .await
    .unwrap();
}

/// So many clicks of a link at these moments.
async fn clicks(tracking: &TestService, link: &str, moments: &[&str]) {
    for (n, at) in moments.iter().enumerate() {
        let at = micros(at).0;
        let day = at / 86_400_000_000;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "CREATE TABLE IF NOT EXISTS clicks_{day} PARTITION OF clicks FOR VALUES FROM ({}) TO ({});
             INSERT INTO clicks (clicked_at, id, link_code, campaign_id) SELECT {at}, 'clk_{link}_{n}', code, campaign_id FROM links WHERE code = '{link}'",
            day * 86_400_000_000,
            (day + 1) * 86_400_000_000
        )))
        .execute(tracking.pool())
        .await
        .unwrap();
    }
}

/// A report that is answered.
async fn report(app: &TestService, token: &str, query: &str) -> Value {
    let (status, report) = app.get(&format!("{REPORTS}?{query}"), token).await;
    assert_eq!(status, StatusCode::OK, "{query}: {report}");
    report
}

/// Of each row of these items the fields of these names.
fn fields(items: &Value, names: &[&str]) -> Vec<Value> {
    let items = items.as_array().unwrap().iter();
    items
        .map(|item| names.iter().map(|name| item[*name].clone()).collect())
        .collect()
}

#[tokio::test]
async fn what_is_no_report_is_refused_with_the_parameter_that_is_wrong() {
    let app = bff().await;
    let operator = runtime::testing::operator();
    for (query, parameter, detail) in [
        ("group_by=", "group_by", "must be one or two of day"),
        ("group_by=week", "group_by", "must be one or two of day"),
        ("group_by=day,day", "group_by", "must be one or two of day"),
        (
            "group_by=day,link,partner",
            "group_by",
            "must be one or two of day",
        ),
        (
            "time_zone=CEST",
            "time_zone",
            "must be a time zone of the IANA's",
        ),
        (
            "time_zone=",
            "time_zone",
            "must be a time zone of the IANA's",
        ),
        (
            "from=2026-02-30&to=2026-03-01",
            "from",
            "must be a day such as",
        ),
        (
            "from=2026-03-02&to=2026-03-01",
            "from",
            "must be 0 to 365 days before",
        ),
        (
            "from=2025-01-01&to=2026-01-02",
            "from",
            "must be 0 to 365 days before",
        ),
        (
            "from=1969-12-31&to=1970-01-01",
            "from",
            "must be a day from 1970-01-01",
        ),
        ("to=2100-01-01", "to", "must be a day from 1970-01-01"),
        ("currency=DOLLAR", "currency", ""),
        ("week=1", "week", "unknown"),
    ] {
        let (status, problem) = app.get(&format!("{REPORTS}?{query}"), &operator).await;
        let error = &problem["errors"][0];
        assert_eq!(
            (status.as_u16(), &problem["code"], &error["parameter"]),
            (400, &json!("invalid_parameter"), &json!(parameter)),
            "{query}: {problem}"
        );
        assert!(
            error["detail"].as_str().unwrap().starts_with(detail),
            "{query}: {problem}"
        );
    }
    for query in [
        "from=2025-01-01&to=2026-01-01",
        "from=1970-01-01&to=1970-01-01&time_zone=Asia/Kathmandu",
    ] {
        report(&app, &operator, query).await;
    }
    let nobody = runtime::testing::mint(&runtime::testing::claims("nobody"));
    assert_eq!(app.get(REPORTS, &nobody).await.0, StatusCode::FORBIDDEN);
    let groups = format!("{REPORTS}?group_by=group");
    let (status, problem) = app.get(&groups, &crate::app::partner123()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    app.stop().await;
}

#[tokio::test]
async fn clicks_are_counted_for_the_bff_alone_and_between_moments_in_order() {
    let (app, tracking) = with_tracking().await;
    link(&tracking, SALE).await;
    clicks(&tracking, SALE.link, &["2026-05-10T12:00:00Z"]).await;
    let mut of_campaign = variables(Service::Campaign, &unmade_database());
    of_campaign.insert("TRACKING_SERVICE_URL".to_owned(), tracking.base_url.clone());
    let campaign = TestService::start_with(campaign::define, of_campaign).await;
    let day = micros("2026-05-10T00:00:00Z").0;
    let ask = async |who: &TestService, boundaries: Vec<i64>| {
        let question = api::ClicksQuestion {
            boundaries,
            all: true,
            limit: 10,
            ..api::ClicksQuestion::default()
        };
        let patience = std::time::Duration::from_secs(5);
        let answer =
            who.host
                .peers()
                .ask(Service::Tracking, api::COUNTED_CLICKS, &question, patience);
        let counted: Result<Vec<api::CountedClicks>, String> = answer.await;
        counted.map(|rows| rows.iter().map(|row| row.clicks).sum::<i64>())
    };
    let whole = vec![day, day + 86_400_000_000];
    assert_eq!(ask(&app, whole.clone()).await, Ok(1));
    assert_eq!(
        ask(&campaign, whole.clone()).await,
        Err("it answers 403".to_owned())
    );
    let many = (0..368).map(|n| day + n).collect();
    for boundaries in [vec![], vec![day], whole.into_iter().rev().collect(), many] {
        assert_eq!(
            ask(&app, boundaries).await,
            Err("it answers 400".to_owned())
        );
    }
    let url = format!("{}{}", tracking.base_url, api::COUNTED_CLICKS);
    let request = tracking.client.post(url).body("{}");
    let nobody = request.send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    campaign.stop().await;
    app.stop().await;
}
