//! What is kept of reports' sums: it says what conversions and commissions say, whatever becomes of them.

use runtime::testing::{brand, operator, partner, until};

use super::sums::{ANOTHERS, MAY, sold};
use super::*;
use crate::app::{nobodys, partner123};

/// Long after everything else.
const LATER: Sale = Sale {
    at: "2027-01-01T00:00:00Z",
    id: "later",
    partner: "later",
    brand: "later",
    campaign: "later",
    link: "later",
    ..SALE
};

/// Has all that was sold before [`LATER`] summed.
async fn sum_up(app: &mut TestService) {
    sell(app, &[LATER]).await;
    let pool = app.pool().clone();
    until("everything is summed", || async {
        let horizon: i64 = sqlx::query_scalar("SELECT summed_to FROM report_horizon")
            .fetch_one(&pool)
            .await
            .unwrap();
        horizon > micros("2026-12-31T00:00:00Z").0
    })
    .await;
}

/// Conversions in the sums of campaigns by quarters of an hour and by days, and in those of links.
async fn summed(app: &TestService) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT sum(leads + sales) FILTER (WHERE quarters = 1)::bigint, sum(leads + sales) FILTER (WHERE quarters = 96)::bigint,
                (SELECT sum(leads + sales)::bigint FROM report_sums) FROM report_totals",
    )
    .fetch_one(app.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn a_report_says_the_same_of_what_is_summed_already() {
    let (mut app, _tracking) = sold().await;
    let mut questions = Vec::new();
    for who in [
        operator(),
        partner123(),
        brand("brand1"),
        brand("brand2"),
        partner("partner9"),
    ] {
        for by in [
            "day",
            "campaign",
            "partner",
            "link",
            "day,partner",
            "campaign,link",
        ] {
            questions.push((who.clone(), format!("{MAY}&group_by={by}")));
        }
        for filter in [
            "campaign_id=camp1",
            "partner_id=partner123",
            "brand_id=brand1",
            "link_code=lnk3",
            "currency=EUR",
            // A quarter of an hour and its days.
            "time_zone=Asia/Kathmandu",
            // A span of whole days, but for its ends.
            "group_by=campaign&time_zone=Asia/Kathmandu",
        ] {
            questions.push((who.clone(), format!("{MAY}&{filter}")));
        }
        // Each zone's tenth day ends at another quarter of an hour; what was sold at noon is in the last days of some, and in the first of others.
        for zone in [
            "UTC",
            "Pacific/Kiritimati",
            "Pacific/Pago_Pago",
            "Asia/Kathmandu",
        ] {
            for days in [
                "from=2026-05-10&to=2026-05-10",
                "from=2026-05-11&to=2026-05-12",
            ] {
                for by in ["campaign", "day"] {
                    let query = format!("{days}&time_zone={zone}&group_by={by}");
                    questions.push((who.clone(), query));
                }
            }
        }
    }
    for who in [operator(), brand("brand1")] {
        questions.push((who, format!("{MAY}&group_by=group,day")));
    }
    let mut before = Vec::new();
    for (who, query) in &questions {
        before.push(report(&app, who, query).await);
    }
    sum_up(&mut app).await;
    assert_eq!(summed(&app).await, (5, 5, 5));
    for ((who, query), before) in questions.iter().zip(before) {
        assert_eq!(report(&app, who, query).await, before, "{query}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_changes_of_what_is_summed_changes_the_sums() {
    let mut app = bff().await;
    for sale in [SALE, ANOTHERS] {
        campaign(&mut app, sale.campaign, sale.brand, sale.money.1).await;
    }
    sell(&mut app, &[SALE, ANOTHERS]).await;
    sum_up(&mut app).await;
    let figures = |report: Value| {
        let names = ["sales", "revenue", "refunds", "commissions"];
        json!(fields(&report["items"], &names))
    };
    let by = format!("{MAY}&group_by=partner");
    for who in [operator(), brand("brand1")] {
        let report = report(&app, &who, &by).await;
        let before = json!([
            [1, "100.00", "0.00", "10.00"],
            [1, "100.00", "0.00", "5.00"]
        ]);
        assert_eq!(figures(report), before);
    }
    give_back(&mut app).await;
    // Comes late, the commission first; of another no conversion comes.
    let [late, lost] = ["c7", "c8"].map(|id| Sale { id, ..SALE });
    for sale in [late, lost] {
        let earned = vec![(sale.at, sale.id.to_owned(), calculated(sale))];
        state(&mut app, Topic::CommissionEvents, earned).await;
    }
    for who in [operator(), brand("brand1"), partner123()] {
        let report = report(&app, &who, &format!("{MAY}&partner_id=partner123")).await;
        let after = json!([[1, "100.00", "25.00", "27.50"]]);
        assert_eq!(
            figures(report),
            after,
            "commissions count without conversions"
        );
    }
    let purchase = attributed(late, ConversionType::Purchase);
    let purchase = vec![(late.at, late.id.to_owned(), purchase)];
    state(&mut app, Topic::TrackingEvents, purchase).await;
    for (who, query) in [
        (operator(), by.clone()),
        (brand("brand1"), by.clone()),
        (operator(), format!("{MAY}&group_by=campaign")),
    ] {
        let report = report(&app, &who, &query).await;
        let after = if query == by {
            json!([
                [2, "200.00", "25.00", "27.50"],
                [1, "100.00", "0.00", "5.00"]
            ])
        } else {
            json!([[3, "300.00", "25.00", "32.50"]])
        };
        assert_eq!(figures(report), after, "{query}");
    }
    assert_eq!(summed(&app).await, (3, 3, 3));
    app.stop().await;
}

/// As after a restore of tracking's database.
#[tokio::test]
async fn what_is_decided_again_later_counts_on_its_new_day_alone() {
    let mut app = bff().await;
    campaign(&mut app, SALE.campaign, SALE.brand, SALE.money.1).await;
    sell(&mut app, &[SALE]).await;
    sum_up(&mut app).await;
    let purchase = attributed(SALE, ConversionType::Purchase);
    let again = vec![("2027-02-01T12:00:00Z", SALE.id.to_owned(), purchase)];
    state(&mut app, Topic::TrackingEvents, again).await;
    let names = ["sales", "revenue", "commissions"];
    for (days, expected) in [
        (MAY, json!([])),
        (
            "from=2027-02-01&to=2027-02-28",
            json!([[1, "100.00", "10.00"]]),
        ),
    ] {
        let report = report(&app, &operator(), days).await;
        assert_eq!(json!(fields(&report["items"], &names)), expected, "{days}");
    }
    app.stop().await;
}

/// As after a restore of tracking's database, which has lost the click.
#[tokio::test]
async fn what_is_nobodys_when_it_is_decided_again_leaves_its_commission_where_that_was_calculated()
{
    let mut app = bff().await;
    campaign(&mut app, SALE.campaign, SALE.brand, SALE.money.1).await;
    sell(&mut app, &[SALE]).await;
    sum_up(&mut app).await;
    let again = vec![(
        "2027-02-01T12:00:00Z",
        SALE.id.to_owned(),
        nobodys("order-1"),
    )];
    state(&mut app, Topic::TrackingEvents, again).await;
    let report = report(&app, &operator(), MAY).await;
    let names = ["sales", "revenue", "commissions"];
    assert_eq!(
        json!(fields(&report["items"], &names)),
        json!([[0, "0.00", "10.00"]])
    );
    app.stop().await;
}

#[tokio::test]
async fn many_conversions_at_once_after_a_long_time_without_any_are_summed_in_parts() {
    let mut app = bff().await;
    sqlx::raw_sql(
        "INSERT INTO conversions (id, position, status, event_type, campaign_id, brand_id, partner_id, link_code, amount_minor, refunded_minor, currency,
                                  occurred_at, recorded_at)
         SELECT md5(n::text), n - 100000, 'attributed', 'purchase', 'camp' || n % 20, 'brand1', 'partner' || n % 50, 'lnk' || n % 200, 100, 0, 'USD', t, t
           FROM generate_series(1, 50000) n, LATERAL (SELECT 1767225600000000 + n * 100::bigint AS t) t;
         INSERT INTO commissions (id, position, campaign_id, partner_id, brand_id, event_type, plan_version, currency, amount_minor, reversed_minor,
                                  status, calculated_at)
         SELECT id, position, campaign_id, partner_id, brand_id, 'purchase', 1, 'USD', 10, 0, 'approved', recorded_at FROM conversions ORDER BY position",
    )
    .execute(app.pool())
    .await
    .unwrap();
    sum_up(&mut app).await;
    assert_eq!(summed(&app).await, (50_000, 50_000, 50_000));
    let report = report(&app, &operator(), "from=2026-01-01&to=2026-01-01").await;
    let figures = fields(&report["items"], &["sales", "revenue", "commissions"]);
    assert_eq!(json!(figures), json!([[50_000, "50000.00", "5000.00"]]));
    app.stop().await;
}

/// Liberia's clocks were 44 and a half minutes behind until 1972: its days then begin at no quarter of an hour.
#[tokio::test]
async fn days_that_begin_at_no_quarter_of_an_hour_are_summed_when_they_are_asked_for() {
    let mut app = bff().await;
    campaign(&mut app, SALE.campaign, SALE.brand, SALE.money.1).await;
    let midnight = Sale {
        at: "1971-05-10T00:44:29Z",
        ..SALE
    };
    let after = Sale {
        at: "1971-05-10T00:44:31Z",
        id: "c2",
        ..SALE
    };
    sell(&mut app, &[midnight, after]).await;
    sum_up(&mut app).await;
    let query = "from=1971-05-01&to=1971-05-31&time_zone=Africa/Monrovia";
    let report = report(&app, &operator(), query).await;
    assert_eq!(
        json!(fields(&report["items"], &["day", "sales", "commissions"])),
        json!([["1971-05-09", 1, "10.00"], ["1971-05-10", 1, "10.00"]])
    );
    app.stop().await;
}
