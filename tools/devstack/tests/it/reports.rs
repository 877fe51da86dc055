//! After the walk, reports say what the ledger says.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use invariants::{Journal, Records, check, settled};
use schemas::Service;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use types::{Currency, Money};

use crate::walk::{Walker, walk_twice_on};

/// By partner and currency what a row of a report says, as decimal text.
fn stated_by(report: &Value, field: &str) -> BTreeMap<(String, String), String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = report["items"].as_array().unwrap().iter();
    items
        .map(|row| {
            (
                (text(&row["partner_id"]), text(&row["currency"])),
                text(&row[field]),
            )
        })
        .collect()
}

/// By partner and currency what the ledger has in accounts of this sort.
async fn held(stack: &LocalStack, accounts: &str) -> BTreeMap<(String, String), String> {
    let url = stack.database_url(Service::Payment).unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT split_part(account, ':', 2), currency, sum(minor)::bigint FROM balances WHERE account LIKE $1 GROUP BY 1, 2",
    )
    .bind(accounts)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(partner, code, minor)| {
            let amount = Money::new(minor, Currency::parse(&code).unwrap());
            ((partner, code), amount.to_string())
        })
        .collect()
}

#[tokio::test]
async fn after_the_walk_reports_sum_up_to_the_ledger_and_the_rules_hold() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    walk_twice_on(&stack, Mode::Hybrid).await;
    let records = Records::of_stack(&stack).unwrap();
    settled(&records, Duration::from_mins(1)).await.unwrap();
    let walker = Walker::new(&stack, Mode::Hybrid);
    let operator = stack.token(&["--role", "operator"]).unwrap();
    let by = |query: &str| format!("reports?{query}");

    let report = walker.read_whole(&operator, &by("group_by=partner")).await;
    assert_eq!(
        stated_by(&report, "commissions"),
        held(&stack, "partner:%").await,
        "{report:#}"
    );
    let mut paid = stated_by(&report, "payouts");
    paid.retain(|_, amount| amount != "0.00");
    let paid_out = held(&stack, "partner:%:paid_out").await;
    assert_eq!(paid, paid_out);
    assert_eq!(paid_out.values().collect::<Vec<_>>(), ["150.00"]);

    let url = stack.database_url(Service::Tracking).unwrap();
    let mut tracking = PgConnection::connect(&url).await.unwrap();
    let clicks: i64 = sqlx::query_scalar("SELECT count(*) FROM clicks")
        .fetch_one(&mut tracking)
        .await
        .unwrap();
    for query in ["group_by=day", "group_by=link,day&time_zone=Asia/Kathmandu"] {
        let report = walker.read_whole(&operator, &by(query)).await;
        let total = &report["totals"][0];
        assert_eq!(total["clicks"], clicks, "{query}: {report:#}");
        assert_eq!(total["sales"], 3, "{query}: {report:#}");
        assert_eq!(total["payouts"].is_null(), query.contains("link"));
    }
    let own = walker.read_whole(&walker.token, &by("")).await;
    assert_eq!(own["totals"][0]["payouts"], "150.00");

    let findings = check(&records, &Journal::default()).await.unwrap();
    let broken: Vec<_> = findings.iter().filter(|it| !it.holds()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let reports = findings
        .iter()
        .filter(|it| it.check.starts_with("what reports say"));
    assert_eq!(reports.filter(|it| it.looked_at > 0).count(), 2);
}
