//! What is summed up, and for whom.

use reqwest::header::ACCEPT;
use runtime::testing::{brand, claims, mint, operator, partner};
use schemas::{GroupCreatedV1, PartnerMovedV1, PayoutPaidV1};
use serde_json::json;
use types::GroupId;
use uuid::Uuid;

use super::*;
use crate::app::{partner123, payout_requested, usd};

pub(super) const MAY: &str = "from=2026-05-01&to=2026-05-31";

const EURO: Sale = Sale {
    id: "c2",
    campaign: "camp2",
    link: "lnk2",
    money: (9_000, Currency::EUR),
    earned: 900,
    ..SALE
};
pub(super) const ANOTHERS: Sale = Sale {
    id: "c3",
    partner: "partner9",
    link: "lnk3",
    earned: 500,
    ..SALE
};
const ANOTHER_BRANDS: Sale = Sale {
    id: "c4",
    brand: "brand2",
    campaign: "camp3",
    link: "lnk4",
    ..SALE
};

/// Two brands, two partners, two currencies; a lead beside the purchases.
pub(super) async fn sold() -> (TestService, TestService) {
    let (mut app, tracking) = with_tracking().await;
    for sale in [SALE, EURO, ANOTHER_BRANDS] {
        campaign(&mut app, sale.campaign, sale.brand, sale.money.1).await;
    }
    for (sale, moments) in [
        (
            SALE,
            &[
                "2026-05-09T10:00:00Z",
                "2026-05-10T11:00:00Z",
                "2026-05-10T12:00:00Z",
            ][..],
        ),
        (EURO, &["2026-05-10T09:00:00Z"]),
        (ANOTHERS, &["2026-05-10T09:30:00Z"]),
        (
            ANOTHER_BRANDS,
            &[
                "2026-04-30T23:59:59Z",
                "2026-05-31T23:59:59Z",
                "2026-06-01T00:00:00Z",
            ],
        ),
    ] {
        link(&tracking, sale).await;
        clicks(&tracking, sale.link, moments).await;
    }
    sell(&mut app, &[SALE, EURO, ANOTHERS, ANOTHER_BRANDS]).await;
    let lead = Sale {
        at: "2026-05-11T12:00:00Z",
        ..SALE
    };
    let lead = (
        lead.at,
        "c5".to_owned(),
        attributed(lead, ConversionType::Lead),
    );
    state(&mut app, Topic::TrackingEvents, vec![lead]).await;
    (app, tracking)
}

#[tokio::test]
async fn amounts_of_two_currencies_are_never_added_and_each_click_counts_once() {
    let (app, _tracking) = sold().await;
    let names = [
        "partner_id",
        "currency",
        "clicks",
        "leads",
        "sales",
        "revenue",
        "commissions",
        "epc",
        "conversion_rate",
    ];
    let by_partner = report(&app, &operator(), &format!("{MAY}&group_by=partner")).await;
    assert_eq!(
        json!(fields(&by_partner["items"], &names)),
        json!([
            [
                "partner123",
                "EUR",
                1,
                0,
                1,
                "90.00",
                "9.00",
                "9.0000",
                "1.0000"
            ],
            [
                "partner123",
                "USD",
                4,
                1,
                2,
                "200.00",
                "20.00",
                "5.0000",
                "0.7500"
            ],
            [
                "partner9", "USD", 1, 0, 1, "100.00", "5.00", "5.0000", "1.0000"
            ],
        ]),
        "a lead without an amount is of its campaign's currency"
    );
    let totals = json!([
        [null, "EUR", 1, 0, 1, "90.00", "9.00", "9.0000", "1.0000"],
        [null, "USD", 5, 1, 3, "300.00", "25.00", "5.0000", "0.8000"],
    ]);
    for by in [
        "day",
        "campaign",
        "partner",
        "link",
        "group",
        "day,partner",
        "campaign,link",
        "group,day",
    ] {
        let report = report(&app, &operator(), &format!("{MAY}&group_by={by}")).await;
        assert_eq!(json!(fields(&report["totals"], &names)), totals, "{by}");
        assert_eq!(report["missing"], json!([]));
        let clicks = report["items"].as_array().unwrap().iter();
        assert_eq!(
            clicks
                .map(|row| row["clicks"].as_i64().unwrap())
                .sum::<i64>(),
            6,
            "{by}"
        );
    }
    let by_both = report(
        &app,
        &operator(),
        &format!("{MAY}&group_by=day,campaign&currency=USD"),
    )
    .await;
    assert_eq!(
        json!(fields(
            &by_both["items"],
            &["day", "campaign_id", "clicks", "leads", "sales"]
        )),
        json!([
            ["2026-05-09", "camp1", 1, 0, 0],
            ["2026-05-10", "camp1", 3, 0, 2],
            ["2026-05-10", "camp3", 0, 0, 1],
            ["2026-05-11", "camp1", 0, 1, 0],
            ["2026-05-31", "camp3", 1, 0, 0],
        ])
    );
    app.stop().await;
}

#[tokio::test]
async fn everybody_sees_their_own_and_what_they_ask_of_it() {
    let (app, _tracking) = sold().await;
    let names = ["currency", "clicks", "leads", "sales", "commissions"];
    let all = json!([["EUR", 1, 0, 1, "9.00"], ["USD", 5, 1, 3, "25.00"]]);
    let nothing = json!([]);
    for (who, query, expected) in [
        (operator(), "", all),
        (
            partner123(),
            "",
            json!([["EUR", 1, 0, 1, "9.00"], ["USD", 4, 1, 2, "20.00"]]),
        ),
        (partner("partner9"), "", json!([["USD", 1, 0, 1, "5.00"]])),
        (
            partner("partner9"),
            "&partner_id=partner123",
            nothing.clone(),
        ),
        (partner("brand1"), "", nothing.clone()),
        (
            brand("brand1"),
            "",
            json!([["EUR", 1, 0, 1, "9.00"], ["USD", 4, 1, 2, "15.00"]]),
        ),
        (brand("brand2"), "", json!([["USD", 1, 0, 1, "10.00"]])),
        (brand("brand2"), "&brand_id=brand1", nothing.clone()),
        (brand("brand2"), "&campaign_id=camp1", nothing.clone()),
        (brand("brand2"), "&link_code=lnk1", nothing.clone()),
        (brand("partner123"), "", nothing),
        (
            operator(),
            "&brand_id=brand2",
            json!([["USD", 1, 0, 1, "10.00"]]),
        ),
        (
            operator(),
            "&link_code=lnk3",
            json!([["USD", 1, 0, 1, "5.00"]]),
        ),
        (
            operator(),
            "&campaign_id=camp2",
            json!([["EUR", 1, 0, 1, "9.00"]]),
        ),
        (
            brand("brand1"),
            "&partner_id=partner9",
            json!([["USD", 1, 0, 1, "5.00"]]),
        ),
        (
            partner123(),
            "&currency=EUR",
            json!([["EUR", 1, 0, 1, "9.00"]]),
        ),
    ] {
        let report = report(&app, &who, &format!("{MAY}{query}")).await;
        assert_eq!(
            json!(fields(&report["totals"], &names)),
            expected,
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn without_tracking_a_report_says_so_and_has_no_clicks() {
    let mut app = bff().await;
    sell(&mut app, &[SALE]).await;
    let report = report(&app, &operator(), MAY).await;
    assert_eq!(report["missing"], json!(["tracking"]));
    for rows in ["items", "totals"] {
        let names = ["clicks", "epc", "conversion_rate", "sales", "commissions"];
        assert_eq!(
            json!(fields(&report[rows], &names)),
            json!([[null, null, null, 1, "10.00"]])
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_becomes_of_a_conversion_counts_on_its_day_and_a_payout_on_its_own() {
    let mut app = bff().await;
    sell(&mut app, &[SALE]).await;
    give_back(&mut app).await;
    let paid = PayoutPaidV1 {
        amount: usd(700),
        transfer_id: Uuid::now_v7(),
        provider_ref: None,
    };
    let payouts = [
        ("2026-05-20T00:00:00Z", "partner123", payout_requested(700)),
        ("2026-06-30T23:59:59Z", "partner123", paid.into()),
        ("2026-06-30T00:00:00Z", "partner9", payout_requested(900)),
    ];
    let payouts = payouts.map(|(at, who, body)| (at, who.to_owned(), body));
    state(&mut app, Topic::PaymentEvents, payouts.into()).await;
    let names = [
        "day",
        "sales",
        "revenue",
        "refunds",
        "commissions",
        "payouts",
    ];
    let days = "from=2026-05-01&to=2026-07-31";
    let may = json!(["2026-05-10", 1, "100.00", "25.00", "7.50", "0.00"]);
    let june = json!(["2026-06-30", 0, "0.00", "0.00", "0.00", "7.00"]);
    for who in [operator(), partner123()] {
        let report = report(&app, &who, days).await;
        assert_eq!(json!(fields(&report["items"], &names)), json!([may, june]));
        assert_eq!(report["totals"][0]["payouts"], "7.00");
    }
    let by_partner = report(&app, &operator(), &format!("{days}&group_by=partner")).await;
    assert_eq!(by_partner["items"][0]["payouts"], "7.00");
    for (who, query) in [
        (brand("brand1"), ""),
        (operator(), "&group_by=campaign"),
        (operator(), "&group_by=day,link"),
        (operator(), "&campaign_id=camp1"),
        (partner123(), "&brand_id=brand1"),
    ] {
        let report = report(&app, &who, &format!("{days}{query}")).await;
        assert_eq!(report["totals"][0]["payouts"], json!(null), "{query}");
        assert_eq!(report["items"].as_array().unwrap().len(), 1, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn who_is_a_partner_and_a_brand_sees_no_other_partners_payouts() {
    let mut app = bff().await;
    sell(&mut app, &[SALE, ANOTHERS]).await;
    for (who, minor) in [("partner123", 700), ("partner9", 900)] {
        let paid = PayoutPaidV1 {
            amount: usd(minor),
            transfer_id: Uuid::now_v7(),
            provider_ref: None,
        };
        let payouts = [
            ("2026-05-20T00:00:00Z", payout_requested(minor)),
            ("2026-05-21T00:00:00Z", paid.into()),
        ];
        let payouts = payouts.map(|(at, body)| (at, who.to_owned(), body));
        state(&mut app, Topic::PaymentEvents, payouts.into()).await;
    }
    let both = mint(&claims("both").partner("partner123").brand("brand1"));
    for (query, items, total) in [
        (
            "&group_by=partner",
            json!([["partner123", "7.00"], ["partner9", null]]),
            json!(null),
        ),
        (
            "&group_by=partner&partner_id=partner123",
            json!([["partner123", "7.00"]]),
            json!("7.00"),
        ),
        ("", json!([[null, null]]), json!(null)),
        (
            "&partner_id=partner123",
            json!([[null, "0.00"], [null, "7.00"]]),
            json!("7.00"),
        ),
        (
            "&group_by=partner&partner_id=partner9",
            json!([["partner9", null]]),
            json!(null),
        ),
    ] {
        let report = report(&app, &both, &format!("{MAY}{query}")).await;
        let shown = fields(&report["items"], &["partner_id", "payouts"]);
        assert_eq!(json!(shown), items, "{query}");
        assert_eq!(report["totals"][0]["payouts"], total, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_commission_whose_conversion_is_not_known_here_counts_on_its_own_day() {
    let mut app = bff().await;
    let earned = vec![(SALE.at, "c1".to_owned(), calculated(SALE))];
    state(&mut app, Topic::CommissionEvents, earned).await;
    let query = format!("{MAY}&group_by=day,link");
    let names = ["day", "link_code", "currency", "sales", "commissions"];
    for (conversion, expected) in [
        (None, json!([["2026-05-10", null, "USD", 0, "10.00"]])),
        (
            Some(SALE),
            json!([["2026-05-09", "lnk1", "USD", 1, "10.00"]]),
        ),
    ] {
        if let Some(sale) = conversion {
            let body = attributed(sale, ConversionType::Purchase);
            let fact = vec![("2026-05-09T23:00:00Z", "c1".to_owned(), body)];
            state(&mut app, Topic::TrackingEvents, fact).await;
        }
        let report = report(&app, &brand("brand1"), &query).await;
        assert_eq!(json!(fields(&report["items"], &names)), expected);
    }
    app.stop().await;
}

#[tokio::test]
async fn groups_are_those_that_partners_are_in_now_and_a_brands_own() {
    let (app, _tracking) = sold().await;
    let gold: GroupId = "grp_gold".parse().unwrap();
    let created = GroupCreatedV1 {
        link_limit: None,
        sealed_name: None,
    };
    let moved = PartnerMovedV1 {
        partner_id: "partner9".parse().unwrap(),
        group_id: gold.clone(),
    };
    for (subject, body) in [("grp_gold", Body::from(created)), ("mem_1", moved.into())] {
        let mut fact = message(Topic::CampaignEvents, "brand1", subject, body, None);
        let watermark: i64 = sqlx::query_scalar(
            "SELECT max(sequence) FROM pipeline.watermark WHERE topic = 'campaign-events'",
        )
        .fetch_one(app.pool())
        .await
        .unwrap();
        fact.header.sequence = Some(watermark + 1);
        fact.header.epoch = Some(1);
        app.deliver_all(Topic::CampaignEvents, vec![fact]).await;
    }
    let default = GroupId::default_of(&"brand1".parse().unwrap()).into_string();
    let query = format!("{MAY}&group_by=group&currency=USD");
    let names = ["group_id", "clicks", "sales", "commissions"];
    for (who, brands) in [(brand("brand1"), 2), (operator(), 3)] {
        let report = report(&app, &who, &query).await;
        let rows = fields(&report["items"], &names);
        assert_eq!(rows.len(), brands, "{report:#}");
        for row in [
            json!([default, 3, 1, "10.00"]),
            json!(["grp_gold", 1, 1, "5.00"]),
        ] {
            assert!(rows.contains(&row), "{row}: {rows:?}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_report_as_csv_says_what_it_says_as_json() {
    let (app, _tracking) = sold().await;
    let path = format!("{REPORTS}?{MAY}&group_by=day,partner");
    let request = app.client.get(format!("{}{path}", app.base_url));
    let request = request.bearer_auth(operator()).header(ACCEPT, "text/csv");
    let answer = request.send().await.unwrap();
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(kind, "text/csv; charset=utf-8; header=present");
    let text = answer.text().await.unwrap();
    let mut lines = text.split_terminator("\r\n");
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let (_, json) = app.get(&path, &operator()).await;
    let shown = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let expected: Vec<String> = json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|column| shown(&row[*column]))
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert!(expected.len() >= 5);
    let documented = serde_json::to_value(&app.document).unwrap();
    let schema = &documented["components"]["schemas"]["ReportRow"]["properties"];
    assert!(columns.iter().all(|column| schema.get(*column).is_some()));
    app.stop().await;
}
