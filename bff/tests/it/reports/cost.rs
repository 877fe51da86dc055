//! What a report costs, of a year with 200,000 conversions: `cargo test -p bff --test it -- --ignored --nocapture a_report_of`.

use std::time::{Duration, Instant};

use runtime::testing::{operator, partner};

use super::*;

/// 200,000 conversions of a year, of 50 partners and 20 campaigns, each with its commission, and a refund of every 20th.
const YEAR: &str = "
    INSERT INTO conversions (id, position, status, event_type, campaign_id, brand_id, partner_id, link_code, amount_minor, refunded_minor, currency,
                             occurred_at, recorded_at)
    SELECT md5(n::text), n, 'attributed', 'purchase', 'camp' || n % 20, 'brand' || n % 5, 'partner' || n % 50, 'lnk' || n % 200, 10000,
           CASE n % 20 WHEN 0 THEN 1000 ELSE 0 END, 'USD', t, t
      FROM generate_series(1, 200000) n, LATERAL (SELECT 1767225600000000 + n * 157680000::bigint AS t) t;
    INSERT INTO commissions (id, position, campaign_id, partner_id, brand_id, event_type, plan_version, currency, amount_minor, reversed_minor, status,
                             calculated_at)
    SELECT id, position, campaign_id, partner_id, brand_id, 'purchase', 1, 'USD', 1000, refunded_minor / 10, 'approved', recorded_at + 1000
      FROM conversions ORDER BY position;
    INSERT INTO campaigns (id, position, brand_id, name, currency, allowed_hosts, join_mode, status, created_at)
    SELECT 'camp' || n, n, 'brand' || n % 5, 'one', 'USD', '[]', 'open', 'active', 0 FROM generate_series(0, 19) n;
    ANALYZE";

#[tokio::test]
#[ignore = "a measurement: it fills tables with 200,000 rows and prints times"]
async fn a_report_of_thirty_days_of_a_year_is_made_in_time() {
    let app = bff().await;
    sqlx::raw_sql(YEAR).execute(app.pool()).await.unwrap();
    for index in ["conversions_by_time", "commissions_by_time"] {
        sqlx::query("SELECT brin_summarize_new_values($1::regclass)")
            .bind(index)
            .execute(app.pool())
            .await
            .unwrap();
    }
    for (what, query, who, limit) in [
        (
            "30 days by day",
            "from=2026-06-01&to=2026-06-30",
            operator(),
            500,
        ),
        (
            "30 days by partner",
            "from=2026-06-01&to=2026-06-30&group_by=partner",
            operator(),
            500,
        ),
        (
            "30 days by day and link",
            "from=2026-06-01&to=2026-06-30&group_by=day,link",
            operator(),
            1_000,
        ),
        (
            "30 days by day, one partner's",
            "from=2026-06-01&to=2026-06-30",
            partner("partner7"),
            500,
        ),
        (
            "the year by day",
            "from=2026-01-01&to=2026-12-31",
            operator(),
            4_000,
        ),
    ] {
        let mut best = Duration::MAX;
        let mut rows = 0;
        for _ in 0..3 {
            let begun = Instant::now();
            let report = report(&app, &who, query).await;
            best = best.min(begun.elapsed());
            rows = report["items"].as_array().unwrap().len();
        }
        println!("{what}: {rows} rows in {best:?}");
        assert!(best < Duration::from_millis(limit), "{what}: {best:?}");
        assert!(rows > 0, "{what}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_report_with_more_rows_than_anybody_reads_is_refused() {
    let app = bff().await;
    sqlx::raw_sql(
        "INSERT INTO conversions (id, position, status, event_type, partner_id, brand_id, campaign_id, link_code, amount_minor, refunded_minor, currency,
                                  occurred_at, recorded_at)
         SELECT 'c' || n, n, 'attributed', 'lead', 'partner1', 'brand1', 'camp1', 'lnk' || n, 1, 0, 'USD', 0, 1000000 FROM generate_series(1, 10001) n",
    )
    .execute(app.pool())
    .await
    .unwrap();
    let day = "from=1970-01-01&to=1970-01-01";
    let (status, problem) = app
        .get(&format!("{REPORTS}?{day}&group_by=link"), &operator())
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let error = &problem["errors"][0];
    assert_eq!(error["parameter"], "group_by");
    assert!(
        error["detail"]
            .as_str()
            .unwrap()
            .starts_with("makes more than 10000 rows")
    );
    let narrowed = report(
        &app,
        &operator(),
        &format!("{day}&group_by=link&link_code=lnk7"),
    )
    .await;
    assert_eq!(narrowed["totals"][0]["leads"], 1);
    let whole = report(&app, &operator(), &format!("{day}&group_by=partner")).await;
    assert_eq!(whole["totals"][0]["leads"], 10_001);
    app.stop().await;
}

#[tokio::test]
async fn a_report_of_one_currency_is_made_however_many_rows_there_are_of_others() {
    let (app, tracking) = with_tracking().await;
    let francs: Currency = "CHF".parse().unwrap();
    for (link_code, campaign, currency) in
        [("lnk1", "camp1", francs), ("lnk2", "camp2", Currency::EUR)]
    {
        let money = (100, currency);
        let sale = Sale {
            link: link_code,
            campaign,
            money,
            ..SALE
        };
        link(&tracking, sale).await;
        clicks(&tracking, link_code, &["2026-05-10T12:00:00Z"]).await;
    }
    sqlx::raw_sql(
        "INSERT INTO conversions (id, position, status, event_type, partner_id, brand_id, campaign_id, link_code, amount_minor, refunded_minor, currency,
                                  occurred_at, recorded_at)
         SELECT 'c' || n, n, 'attributed', 'purchase', 'partner123', 'brand1', CASE n WHEN 1 THEN 'camp1' ELSE 'camp2' END, 'lnk' || n, 100, 0,
                CASE n WHEN 1 THEN 'CHF' ELSE 'EUR' END, t, t
           FROM generate_series(1, 10002) n, (SELECT extract(epoch FROM timestamptz '2026-05-10 12:00Z')::bigint * 1000000 AS t) t;
         INSERT INTO commissions (id, position, campaign_id, partner_id, brand_id, event_type, plan_version, currency, amount_minor, reversed_minor, status,
                                  calculated_at)
         SELECT id, position, campaign_id, partner_id, brand_id, 'purchase', 1, currency, 10, 0, 'approved', recorded_at FROM conversions",
    )
    .execute(app.pool())
    .await
    .unwrap();
    let by_link = "from=2026-05-10&to=2026-05-10&group_by=day,link";
    let (status, problem) = app.get(&format!("{REPORTS}?{by_link}"), &operator()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let of_francs = report(&app, &operator(), &format!("{by_link}&currency=CHF")).await;
    let items = of_francs["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{of_francs:#}");
    for (name, expected) in [
        ("link_code", json!("lnk1")),
        ("currency", json!("CHF")),
        ("clicks", json!(1)),
        ("sales", json!(1)),
        ("revenue", json!("1.00")),
        ("commissions", json!("0.10")),
    ] {
        assert_eq!(items[0][name], expected, "{name}");
    }
    app.stop().await;
}
