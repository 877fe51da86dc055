//! Whose days.

use runtime::testing::operator;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_day_is_as_long_as_it_is_where_the_caller_says() {
    let (mut app, tracking) = with_tracking().await;
    campaign(&mut app, "camp1", "brand1", Currency::USD).await;
    link(&tracking, SALE).await;
    let moments = [
        // 23 hours: 29 March 2026 in Vienna.
        "2026-03-28T22:59:59Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T21:59:59Z",
        "2026-03-29T22:00:00Z",
        // 25 hours: 25 October.
        "2026-10-24T21:59:59Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T22:59:59Z",
        "2026-10-25T23:00:00Z",
    ];
    let ids = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
    let sales: Vec<Sale> = moments
        .iter()
        .zip(ids)
        .map(|(at, id)| Sale { at, id, ..SALE })
        .collect();
    sell(&mut app, &sales).await;
    clicks(&tracking, "lnk1", &moments).await;
    let of = async |zone: &str, from: &str, to: &str| {
        let query = format!("time_zone={zone}&from={from}&to={to}");
        let report = report(&app, &operator(), &query).await;
        assert_eq!(report["time_zone"], zone);
        fields(&report["items"], &["day", "clicks", "sales"])
    };
    for (days, zone, expected) in [
        (
            ("2026-03-28", "2026-03-30"),
            "Europe/Vienna",
            json!([
                ["2026-03-28", 1, 1],
                ["2026-03-29", 2, 2],
                ["2026-03-30", 1, 1]
            ]),
        ),
        (
            ("2026-10-24", "2026-10-26"),
            "Europe/Vienna",
            json!([
                ["2026-10-24", 1, 1],
                ["2026-10-25", 2, 2],
                ["2026-10-26", 1, 1]
            ]),
        ),
        (
            ("2026-03-29", "2026-03-29"),
            "Europe/Vienna",
            json!([["2026-03-29", 2, 2]]),
        ),
        (
            ("2026-03-28", "2026-03-30"),
            "UTC",
            json!([["2026-03-28", 2, 2], ["2026-03-29", 2, 2]]),
        ),
        (
            ("2026-03-28", "2026-03-30"),
            "Asia/Kathmandu",
            json!([["2026-03-29", 2, 2], ["2026-03-30", 2, 2]]),
        ),
    ] {
        let shown = of(zone, days.0, days.1).await;
        assert_eq!(json!(shown), expected, "{zone} {days:?}");
    }
    let whole = "group_by=link&time_zone=Europe/Vienna&from=2026-03-29&to=2026-03-29";
    let whole = report(&app, &operator(), whole).await;
    assert_eq!(
        json!(fields(
            &whole["items"],
            &["day", "link_code", "clicks", "sales"]
        )),
        json!([[null, "lnk1", 2, 2]])
    );
    app.stop().await;
}

#[tokio::test]
async fn without_days_it_is_the_last_thirty_up_to_today_in_the_zone() {
    let app = bff().await;
    let report = report(&app, &operator(), "time_zone=Pacific/Kiritimati").await;
    let day =
        |name: &str| -> chassis::time::Day { report[name].as_str().unwrap().parse().unwrap() };
    assert_eq!(day("to").0 - day("from").0, 29);
    let ahead = Micros(chassis::time::now().0 + 14 * 3_600_000_000);
    let today = chassis::time::Day::of(ahead);
    assert!([today.0, today.0 - 1].contains(&day("to").0));
    app.stop().await;
}
