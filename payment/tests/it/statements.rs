//! What partners are told of their months.

use std::collections::BTreeSet;

use messaging::job::Job;
use payment::domain::BALANCE_LIMIT;
use payment::jobs::IssueStatements;
use runtime::testing::{TestService, message, until};
use schemas::{Body, CommissionApprovedV1, StatementIssuedV1, StatementLine, Topic};
use types::{EarningStatus, Micros, Month};

use crate::app::{App, calculated, money, payment_variables, reversed};

const DAY: i64 = 86_400;

/// A service in the middle of a month, and that month.
async fn in_the_middle() -> (App, Month) {
    let app = App::start().await;
    let next = Month::of(now(&app).await).unwrap().end();
    let middle = Micros(next.get() + 14 * DAY * 1_000_000);
    until_then(&app, middle).await;
    (app, Month::of(middle).unwrap())
}

async fn now(app: &App) -> Micros {
    messaging::job::now(app.service.pool()).await.unwrap()
}

async fn until_then(app: &App, then: Micros) {
    let micros = then.micros_since(now(app).await);
    app.service.advance_clock(micros / 1_000_000 + 1).await;
}

/// The statements in the log, once there are so many, by partner and month.
async fn statements(app: &App, count: usize) -> Vec<(String, StatementIssuedV1)> {
    until(&format!("{count} statements are issued"), || async {
        issued(app).await.len() >= count
    })
    .await;
    let issued = issued(app).await;
    assert_eq!(issued.len(), count);
    issued
}

async fn issued(app: &App) -> Vec<(String, StatementIssuedV1)> {
    let log = app.service.log().await.into_iter();
    log.filter_map(|message| match message.body {
        Body::StatementIssuedV1(it) => Some((message.header.key, it)),
        _ => None,
    })
    .collect()
}

/// Account, currency, opening, credited, debited, closing.
fn lines(issued: &StatementIssuedV1) -> Vec<(&str, &str, i64, i64, i64, i64)> {
    let lines = issued.lines.iter();
    lines
        .map(|line: &StatementLine| {
            assert_eq!(
                line.opening + line.credited - line.debited,
                line.closing,
                "{line:?}"
            );
            let (account, currency) = (line.account.name(), line.currency.code());
            let StatementLine {
                opening,
                credited,
                debited,
                closing,
                ..
            } = *line;
            (account, currency, opening, credited, debited, closing)
        })
        .collect()
}

#[tokio::test]
async fn a_partner_has_one_statement_of_each_month_that_follows_on_the_one_before() {
    let (mut app, first) = in_the_middle().await;
    app.earn("partner123", 1_000).await;
    app.state("held", calculated("partner123", 500, "USD", "held"))
        .await;
    app.state("euros", calculated("partner123", 70, "EUR", "approved"))
        .await;
    let payout = app.granted("partner123", "6.00").await;
    app.until_status(&payout, "paid").await;
    // The month is over, and something moves in the next one before it is stated.
    until_then(&app, first.end()).await;
    app.earn("partner123", 200).await;
    app.earn("partner456", 300).await;
    let second = Month::of(now(&app).await).unwrap();
    assert_eq!(second.start(), first.end());
    app.service.advance_clock(60).await;
    let issued = statements(&app, 1).await;
    assert_eq!((&*issued[0].0, issued[0].1.month), ("partner123", first));
    assert_eq!(
        lines(&issued[0].1),
        [
            ("payable", "EUR", 0, 70, 0, 70),
            ("pending", "USD", 0, 500, 0, 500),
            ("payable", "USD", 0, 1_000, 600, 400),
            ("in_transit", "USD", 0, 600, 600, 0),
            ("paid_out", "USD", 0, 600, 0, 600),
        ]
    );
    let approved = CommissionApprovedV1 {
        partner_id: "partner123".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        amount: money(500, "USD"),
    };
    app.state("held", approved).await;
    until_then(&app, second.end()).await;
    app.service.advance_clock(60).await;
    let issued = statements(&app, 3).await;
    let of = |partner: &str| {
        let own = issued.iter().filter(|(own, _)| own == partner);
        own.map(|(_, issued)| issued).collect::<Vec<_>>()
    };
    let [_, next] = of("partner123")[..] else {
        panic!("two of the one partner: {issued:?}");
    };
    assert_eq!(next.month, second);
    assert_eq!(
        lines(next),
        [
            ("payable", "EUR", 70, 0, 0, 70),
            ("pending", "USD", 500, 0, 500, 0),
            ("payable", "USD", 400, 700, 0, 1_100),
            ("paid_out", "USD", 600, 0, 0, 600),
        ]
    );
    let [other] = of("partner456")[..] else {
        panic!("one of the other: {issued:?}");
    };
    assert_eq!(lines(other), [("payable", "USD", 0, 300, 0, 300)]);
    for (account, currency, _, _, _, closing) in lines(next) {
        let stands: i64 =
            sqlx::query_scalar("SELECT minor FROM balances WHERE account = $1 AND currency = $2")
                .bind(format!("partner:partner123:{account}"))
                .bind(currency)
                .fetch_one(app.service.pool())
                .await
                .unwrap();
        assert_eq!(stands, closing, "{account}");
    }
    app.assert_fold(&["balances", "transfers", "payouts", "statements"])
        .await;
}

#[tokio::test]
async fn months_that_nobody_stated_are_stated_one_after_the_other() {
    let (mut app, first) = in_the_middle().await;
    app.earn("partner123", 100).await;
    until_then(&app, first.end()).await;
    app.earn("partner123", 200).await;
    let second = Month::of(now(&app).await).unwrap();
    until_then(&app, Micros(second.end().get() + 3 * DAY * 1_000_000)).await;
    let issued = statements(&app, 2).await;
    let months: Vec<Month> = issued.iter().map(|(_, issued)| issued.month).collect();
    assert_eq!(months, [first, second]);
    assert_eq!(lines(&issued[0].1), [("payable", "USD", 0, 100, 0, 100)]);
    assert_eq!(lines(&issued[1].1), [("payable", "USD", 100, 200, 0, 300)]);
}

#[tokio::test]
async fn a_month_in_which_more_moved_than_a_line_can_hold_is_stated() {
    let (mut app, month) = in_the_middle().await;
    for number in 0..5 {
        let conversion = format!("conv{number}");
        let earned = calculated("partner123", BALANCE_LIMIT, "USD", "approved");
        app.state(&conversion, earned).await;
        let back = reversed(BALANCE_LIMIT, EarningStatus::Payable);
        app.state(&conversion, back).await;
    }
    app.earn("partner123", 100).await;
    until_then(&app, month.end()).await;
    app.service.advance_clock(60).await;
    let issued = statements(&app, 1).await;
    let line = ("payable", "USD", 0, i64::MAX, i64::MAX - 100, 100);
    assert_eq!(lines(&issued[0].1), [line]);
}

#[tokio::test]
async fn a_process_that_comes_to_lead_states_what_the_one_before_it_left() {
    let (mut app, first) = in_the_middle().await;
    app.earn("partner123", 100).await;
    let later = first.end().micros_since(now(&app).await) + DAY * 1_000_000;
    let App { service, provider } = app;
    let database_url = service.database_url.clone();
    service.stop().await;
    let pool = sqlx::PgPool::connect(&database_url).await.unwrap();
    sqlx::query("UPDATE pipeline.log_head SET clock_offset = clock_offset + $1")
        .bind(later)
        .execute(&pool)
        .await
        .unwrap();
    let variables = payment_variables(&database_url, &provider, 500);
    let next = TestService::start_with(payment::define, variables).await;
    until("the statement is issued", || async {
        let log = next.log().await;
        log.iter()
            .any(|message| matches!(message.body, Body::StatementIssuedV1(_)))
    })
    .await;
}

/// Each of more partners than one step looks at, some of whose accounts are in another step.
#[tokio::test]
async fn every_one_of_many_partners_has_its_statement_once() {
    const PARTNERS: usize = 180;
    let (app, first) = in_the_middle().await;
    let mut facts = Vec::new();
    for number in 0..PARTNERS {
        for (status, currency) in [("approved", "USD"), ("held", "USD"), ("approved", "EUR")] {
            let partner = format!("partner-{number}");
            let conversion = format!("{partner}-{status}-{currency}");
            let body = calculated(&partner, 100, currency, status).into();
            let sequence = i64::try_from(facts.len()).unwrap() + 1;
            let topic = Topic::CommissionEvents;
            facts.push(message(
                topic,
                &conversion,
                &conversion,
                body,
                Some(sequence),
            ));
        }
    }
    app.service
        .deliver_all(Topic::CommissionEvents, facts)
        .await;
    until_then(&app, first.end()).await;
    app.service.advance_clock(60).await;
    let issued = statements(&app, PARTNERS).await;
    let expected = [
        ("payable", "EUR", 0, 100, 0, 100),
        ("pending", "USD", 0, 100, 0, 100),
        ("payable", "USD", 0, 100, 0, 100),
    ];
    for (partner, issued) in &issued {
        assert_eq!(lines(issued), expected, "{partner}");
    }
    let partners: BTreeSet<&String> = issued.iter().map(|(partner, _)| partner).collect();
    assert_eq!(partners.len(), PARTNERS);
    app.assert_fold(&["statements"]).await;
}

/// As after a restore, or where a transaction came later than anybody waits for.
#[tokio::test]
async fn what_was_not_there_before_is_found_by_whoever_leads_next_and_a_day_later() {
    let (mut app, first) = in_the_middle().await;
    app.earn("partner123", 100).await;
    until_then(&app, Micros(first.end().get() + DAY * 1_000_000)).await;
    statements(&app, 1).await;
    let now = now(&app).await;
    let database_url = app.service.database_url.clone();
    app.service.stop().await;
    let pool = sqlx::PgPool::connect(&database_url).await.unwrap();
    let steps = async |job: &IssueStatements, now: Micros| {
        let mut found = Vec::new();
        for _ in 0..4 {
            let due = job.due(&pool, now, 0).await.unwrap();
            found.extend(due.into_iter().map(|it| (it.header.key, it.header.id)));
        }
        found
    };
    let job = IssueStatements::default();
    assert_eq!(steps(&job, now).await, []);
    for insert in [
        "INSERT INTO transfers SELECT position, 1, gen_random_uuid(), 'brand:late:funds', 'partner:late:payable', 1, 'USD', posted_at FROM transfers LIMIT 1",
        "INSERT INTO balances SELECT credit, 'USD', 1, position FROM transfers WHERE ordinal = 1",
    ] {
        sqlx::query(insert).execute(&pool).await.unwrap();
    }
    assert_eq!(steps(&job, now).await, [], "it has walked today");
    let next = steps(&IssueStatements::default(), now).await;
    let tomorrow = steps(&job, now.checked_add_days(1).unwrap()).await;
    for found in [&next, &tomorrow] {
        assert!(found.iter().all(|(partner, _)| partner == "late"));
        // What nobody handles stays due, and does not keep the job busy.
        assert!(matches!(found.len(), 1 | 2), "{found:?}");
    }
    assert_ne!(next[0].1, tomorrow[0].1, "what was refused is fired anew");
}
