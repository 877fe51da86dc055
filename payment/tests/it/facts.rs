use schemas::{CommissionApprovedV1, Topic};
use serde_json::{Value, json};
use types::EarningStatus;

use crate::app::{App, calculated, money, reversed};

fn approved(minor: i64) -> CommissionApprovedV1 {
    CommissionApprovedV1 {
        partner_id: "partner123".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        amount: money(minor, "USD"),
    }
}

#[tokio::test]
async fn a_held_commission_becomes_payable_and_its_refund_gives_back() {
    let mut app = App::start().await;
    app.state("c1", calculated("partner123", 1_000, "USD", "held"))
        .await;
    assert_eq!(app.balance("partner123", "pending").await, "10.00");
    app.state("c1", approved(1_000)).await;
    assert_eq!(app.balance("partner123", "payable").await, "10.00");
    app.state("c1", reversed(400, EarningStatus::Payable)).await;
    assert_eq!(app.balance("partner123", "payable").await, "6.00");
    app.assert_ledger_is_the_fold_of_its_log().await;
}

/// A commission of ten dollars is paid out, and its sale refunded then.
async fn is_paid_and_refunded(app: &mut App) {
    app.earn("partner123", 1_000).await;
    let id = app.granted("partner123", "10.00").await;
    app.until_status(&id, "paid").await;
    app.state("c1", reversed(1_000, EarningStatus::Payable))
        .await;
}

#[tokio::test]
async fn a_refund_after_payout_is_carried_over() {
    let mut app = App::start().await;
    is_paid_and_refunded(&mut app).await;
    assert_eq!(app.balance("partner123", "payable").await, "-10.00");
    assert_eq!(
        of_brand(&app).await,
        [("funds", -1_000), ("recoverable", 1_000)]
    );
    app.earn("partner123", 600).await;
    assert_eq!(
        of_brand(&app).await,
        [("funds", -1_000), ("recoverable", 400)]
    );
    app.earn("partner123", 900).await;
    assert_eq!(
        of_brand(&app).await,
        [("funds", -1_500), ("recoverable", 0)]
    );
    let (_, problem) = app.request("partner123", "5.01").await;
    assert_eq!(problem["code"], "insufficient_balance");
    app.granted("partner123", "5.00").await;
    app.assert_ledger_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn what_is_owed_anew_in_the_batch_that_paid_it_back_is_owed_since_then() {
    let mut app = App::start().await;
    is_paid_and_refunded(&mut app).await;
    let topic = Topic::CommissionEvents;
    let fact = |sequence, body| runtime::testing::message(topic, "c2", "c2", body, Some(sequence));
    let earned = calculated("partner123", 1_500, "USD", "approved");
    let facts = vec![
        fact(3, earned.into()),
        fact(4, reversed(1_500, EarningStatus::Payable).into()),
    ];
    for answer in app.service.deliver_all(topic, facts).await {
        assert_eq!(answer.name(), "done");
    }
    assert_eq!(app.balance("partner123", "payable").await, "-10.00");
    app.assert_fold(&["owed"]).await;
}

async fn of_brand(app: &App) -> [(&'static str, i64); 2] {
    let mut found = [("funds", 0), ("recoverable", 0)];
    for (name, minor) in &mut found {
        let account = format!("brand:brand1:{name}");
        let stands = sqlx::query_scalar("SELECT minor FROM balances WHERE account = $1");
        let stands = stands.bind(account).fetch_one(app.service.pool());
        *minor = stands.await.unwrap();
    }
    found
}

#[tokio::test]
async fn what_cannot_be_applied_is_in_suspense_or_noted_and_the_stream_goes_on() {
    let mut app = App::start().await;
    app.state("c1", approved(1_000)).await;
    assert_eq!(app.balance("partner123", "suspense").await, "10.00");
    app.state("c4", calculated("partner123", 0, "USD", "approved"))
        .await;
    app.state("c5", calculated("partner123", i64::MAX, "USD", "approved"))
        .await;
    app.earn("partner123", 100).await;
    let log = app.service.log().await;
    let reasons: Vec<Option<String>> = log
        .into_iter()
        .filter_map(|message| match message.body {
            schemas::Body::LedgerPostedV1(posted) => Some(posted.reason),
            _ => None,
        })
        .collect();
    let reason = |name: &str| Some(name.to_owned());
    assert_eq!(
        reasons,
        [
            reason("pending_short"),
            reason("nothing_to_post"),
            reason("out_of_range"),
            None
        ]
    );
    app.assert_ledger_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_fact_that_names_no_account_or_currency_becomes_a_dead_letter_and_others_go_on() {
    let mut app = App::start().await;
    let topic = Topic::CommissionEvents;
    let odd = [
        ("c1", ("partner123", "no partner"), "partner_id"),
        ("c2", ("USD", "???"), "currency"),
    ];
    let mut facts = Vec::new();
    for (conversion, spoilt, field) in odd {
        let fact = calculated("partner123", 1_000, "USD", "approved").into();
        let fact = app
            .service
            .assert_dead_letter(topic, conversion, fact, &[spoilt], field)
            .await;
        facts.push(fact);
    }
    app.earn("partner123", 100).await;
    assert_eq!(app.balance("partner123", "payable").await, "1.00");

    let mend = |payload: &mut Value| payload["partner_id"] = json!("partner123");
    app.service.mend(&facts[0], mend).await;
    let mend = |payload: &mut Value| payload["base"]["currency"] = json!("USD");
    app.service.mend(&facts[1], mend).await;
    assert_eq!(app.balance("partner123", "payable").await, "21.00");
    app.assert_ledger_is_the_fold_of_its_log().await;
}

#[tokio::test]
async fn a_fact_that_comes_again_moves_nothing() {
    let mut app = App::start().await;
    let body = calculated("partner123", 1_000, "USD", "approved").into();
    let topic = Topic::CommissionEvents;
    let (message, first) = app.service.deliver(topic, "c1", "c1", body).await;
    assert_eq!(first.name(), "done");
    let twins = vec![message.clone(), message];
    for answer in app.service.deliver_all(topic, twins).await {
        assert_eq!(answer.name(), "repeated");
    }
    assert_eq!(app.balance("partner123", "payable").await, "10.00");
}

#[tokio::test]
async fn many_facts_of_one_entry_add_up() {
    let app = App::start().await;
    let topic = Topic::CommissionEvents;
    let facts = (1..=200).map(|sequence| {
        let conversion = format!("c{sequence}");
        let body = calculated("partner123", 1, "USD", "approved").into();
        runtime::testing::message(topic, &conversion, &conversion, body, Some(sequence))
    });
    app.service.deliver_all(topic, facts.collect()).await;
    assert_eq!(app.balance("partner123", "payable").await, "2.00");
    app.assert_ledger_is_the_fold_of_its_log().await;
}
