//! What a text names, and for whom.

use axum::http::StatusCode;
use runtime::testing::{TestService, brand, message, operator, partner};
use schemas::{Body, ConversionAttributedV1, ConversionClaimedV1, LinkCreatedV1, Topic};
use serde_json::{Value, json};
use types::{ConversionId, ConversionType, Micros, TermsVersion};
use uuid::Uuid;

use crate::app::{accept, bff, claimed, facts, nobodys, partner123, payout_requested, usd};
use crate::reads_of_programmes::actor;

fn sold(brand: &str, campaign: &str) -> Body {
    ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: Some("order-7".parse().unwrap()),
        alias_id: None,
        campaign_id: campaign.parse().unwrap(),
        brand_id: brand.parse().unwrap(),
        partner_id: "partner123".parse().unwrap(),
        link_code: "lnk7".parse().unwrap(),
        click_id: "clk_7".parse().unwrap(),
        amount: Some(usd(10_000)),
        terms_version: TermsVersion::FIRST,
        occurred_at: Micros(1_795_000_000_000_000),
        verified_by: Some("brand".to_owned()),
        clicked_at: None,
        click_named: None,
    }
    .into()
}

const SALE: &str = "0199f6a2-7c11-7c3e-9d52-2f6f5b0f4a10";

/// A bff with one of each; the request that partner123 made comes back too.
async fn filled() -> (TestService, String) {
    let app = bff().await;
    let sale = sold("brand1", "camp1");
    let anothers = sold("brand2", "camp2");
    let claim = ConversionClaimedV1 {
        sale: claimed(),
        user_hash: None,
    };
    let link = LinkCreatedV1 {
        campaign_id: "camp1".parse().unwrap(),
        partner_id: "partner123".parse().unwrap(),
        target_url: "https://shop.example/".to_owned(),
        utm: None,
        deep_paths: None,
        brand_id: None,
    };
    facts(
        &app,
        Topic::TrackingEvents,
        &[
            (SALE, SALE, sale),
            ("c2", "c2", anothers),
            ("clm_1", "clm_1", claim.into()),
            ("lnk7", "lnk7", link.into()),
        ],
    )
    .await;
    facts(
        &app,
        Topic::PaymentEvents,
        &[("partner123", "pay_7", payout_requested(700))],
    )
    .await;
    let command = accept(&app, &partner123()).await;
    let path = format!("/api/v1/commands/{command}");
    let (_, command) = app.get(&path, &partner123()).await;
    let request = command["correlation_id"].as_str().unwrap().to_owned();
    (app, request)
}

async fn found(app: &TestService, who: &str, text: &str) -> Vec<Value> {
    let path = format!("{}/api/v1/search", app.base_url);
    let request = app.client.get(path).query(&[("q", text)]).bearer_auth(who);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{text}");
    let view: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let items = view["items"].as_array().unwrap().iter();
    items
        .map(|item| json!([item["kind"], item["path"]]))
        .collect()
}

#[tokio::test]
async fn a_brand_finds_its_order_that_is_nobodys_and_nobody_else_does() {
    let app = bff().await;
    let (brand1, order) = ("brand1".parse().unwrap(), "order-9".parse().unwrap());
    let id = ConversionId::of_brand(&brand1, &order).to_string();
    facts(
        &app,
        Topic::TrackingEvents,
        &[(&id, &id, nobodys("order-9"))],
    )
    .await;
    let path = "/api/v1/explanations?order_id=order-9";
    let expected = vec![json!(["order", path])];
    assert_eq!(found(&app, &brand("brand1"), "order-9").await, expected);
    for other in [brand("brand2"), partner123()] {
        assert!(found(&app, &other, "order-9").await.is_empty());
    }
    app.stop().await;
}

/// A lead without a number has nothing else to be found by.
#[tokio::test]
async fn what_a_brand_reported_is_found_by_its_id_while_it_is_nobodys_and_by_no_other_brand() {
    let app = bff().await;
    let mut event = message(
        Topic::TrackingEvents,
        SALE,
        SALE,
        nobodys("order-9"),
        Some(1),
    );
    event.header.actor = Some(actor(&["brand"], "brand1"));
    app.deliver_all(Topic::TrackingEvents, vec![event]).await;
    let path = format!("/api/v1/conversions/{SALE}/explanation");
    for who in [brand("brand1"), operator()] {
        let expected = vec![json!(["conversion", path])];
        assert_eq!(found(&app, &who, SALE).await, expected);
    }
    for other in [brand("brand2"), partner123()] {
        assert!(found(&app, &other, SALE).await.is_empty());
    }
    app.stop().await;
}

#[tokio::test]
async fn a_text_is_found_by_who_may_see_what_it_names_and_by_nobody_else() {
    let (app, request) = filled().await;
    let order = "/api/v1/explanations?order_id=order-7";
    let (first, second) = (
        format!("{order}&brand_id=brand1"),
        format!("{order}&brand_id=brand2"),
    );
    let explanation = format!("/api/v1/conversions/{SALE}/explanation");
    let timeline = format!("/api/v1/timeline/{request}");
    let nobody = json!([]);
    // The click, and what it led to.
    let of_click = |conversions: &[&str]| {
        let click = json!(["click", "/api/v1/timeline?click_id=clk_7"]);
        let found = conversions.iter().map(|id| {
            json!([
                "conversion",
                format!("/api/v1/conversions/{id}/explanation")
            ])
        });
        json!(std::iter::once(click).chain(found).collect::<Vec<_>>())
    };
    for (text, partners, brand1s, operators) in [
        (
            "order-7",
            json!([["order", order]]),
            json!([["order", order]]),
            json!([["order", first], ["order", second]]),
        ),
        (
            "  order-7 ",
            json!([["order", order]]),
            json!([["order", order]]),
            json!([["order", first], ["order", second]]),
        ),
        (
            "clk_7",
            of_click(&[SALE, "c2"]),
            of_click(&[SALE]),
            of_click(&[SALE, "c2"]),
        ),
        (
            SALE,
            json!([["conversion", explanation]]),
            json!([["conversion", explanation]]),
            json!([["conversion", explanation]]),
        ),
        (
            "clm_1",
            json!([["claim", "/api/v1/claims/clm_1"]]),
            json!([["claim", "/api/v1/claims/clm_1"]]),
            json!([["claim", "/api/v1/claims/clm_1"]]),
        ),
        (
            "pay_7",
            json!([["payout", "/api/v1/payouts/pay_7"]]),
            nobody.clone(),
            json!([["payout", "/api/v1/payouts/pay_7"]]),
        ),
        (
            "partner123",
            json!([["partner", "/api/v1/partners/partner123"]]),
            nobody.clone(),
            nobody.clone(),
        ),
        (
            &request,
            json!([["request", timeline]]),
            nobody.clone(),
            json!([["request", timeline]]),
        ),
        ("order-", nobody.clone(), nobody.clone(), nobody.clone()),
        ("%", nobody.clone(), nobody.clone(), nobody.clone()),
    ] {
        for (who, expected) in [
            (partner123(), &partners),
            (brand("brand1"), &brand1s),
            (operator(), &operators),
            (partner("partner9"), &nobody),
            (brand("brand9"), &nobody),
            (partner("brand1"), &nobody),
        ] {
            let found = found(&app, &who, text).await;
            let mut sorted = found.clone();
            sorted.sort_by_key(Value::to_string);
            assert_eq!(&json!(sorted), expected, "{text}");
        }
    }
    assert_eq!(
        found(&app, &operator(), &Uuid::now_v7().to_string()).await,
        [Value::Null; 0]
    );
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused() {
    let app = bff().await;
    let long = format!("q={}", "x".repeat(65));
    for (query, parameter) in [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        (long.as_str(), "q"),
        ("q=a&limit=1", "limit"),
    ] {
        let (status, problem) = app
            .get(&format!("/api/v1/search?{query}"), &operator())
            .await;
        let named = &problem["errors"][0]["parameter"];
        assert_eq!(
            (status.as_u16(), named),
            (400, &json!(parameter)),
            "{query}: {problem}"
        );
    }
    let nobody = runtime::testing::mint(&runtime::testing::claims("nobody"));
    assert_eq!(
        app.get("/api/v1/search?q=a", &nobody).await.0,
        StatusCode::FORBIDDEN
    );
    app.stop().await;
}

#[tokio::test]
async fn a_timeline_of_more_conversions_than_are_looked_at_says_so() {
    let app = bff().await;
    let path = "/api/v1/timeline?click_id=clk_7";
    for (ids, more) in [(0..16, false), (16..17, true)] {
        let ids: Vec<String> = ids.map(|at| format!("c{at}")).collect();
        let sold: Vec<(&str, &str, Body)> = ids
            .iter()
            .map(|id| (id.as_str(), id.as_str(), sold("brand1", "camp1")))
            .collect();
        facts(&app, Topic::TrackingEvents, &sold).await;
        let (status, timeline) = app.get(path, &operator()).await;
        assert_eq!(status, StatusCode::OK, "{timeline}");
        assert_eq!(timeline["truncated"], more, "{timeline}");
    }
}
