//! The large demo: ninety days, after which everything that holds of a stack holds of it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use devstack::demo::{LARGE_STARTS, Size, Tokens};
use devstack::local::LocalStack;
use devstack::settings::Mode;
use futures::{StreamExt, stream};
use invariants::{Finding, Journal, Records, check, print, settled};
use schemas::Service;
use serde_json::Value;
use sqlx::PgPool;

use crate::walk::Walker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ninety_days_are_loaded_and_all_that_holds_of_a_stack_holds_of_them() {
    let stack = LocalStack::start_with(Mode::Hybrid, &[LARGE_STARTS])
        .await
        .unwrap();
    let walker = Walker::new(&stack, Mode::Hybrid);
    let operator = stack.token(&["--role", "operator"]).unwrap();
    let begun = Instant::now();
    tokio::select! {
        loaded = stack.load_sized_demo(Size::Large) => panic!("it was not cut off: {loaded:?}"),
        () = until_sold(&walker, &operator, 100) => {}
    }
    // Loaded again it goes on where it was cut off.
    stack.load_sized_demo(Size::Large).await.unwrap();
    println!("the large demo is loaded after {:?}", begun.elapsed());
    it_ends_now_and_the_walks_people_are_as_ever(&stack, &walker, &operator).await;
    everything_of_the_card_is_there(&walker, &operator).await;

    let before = all(&walker, &operator, "conversions").await.len();
    stack.load_sized_demo(Size::Large).await.unwrap();
    let again = all(&walker, &operator, "conversions").await.len();
    assert_eq!(again, before, "loaded again it changes nothing");

    timelines_are_timed(&walker, &operator).await;
    let begun = Instant::now();
    every_explanation_ends_with_what_the_ledger_says(&stack, &walker, &operator).await;
    println!("explained after {:?}", begun.elapsed());
    let begun = Instant::now();
    the_ten_rules_hold(&stack).await;
    for service in Service::with_topics().chain([Service::Bff]) {
        replay_gives_the_same(&stack, service, &operator);
    }
    println!("checked and replayed after {:?}", begun.elapsed());
}

/// Until there are so many conversions.
async fn until_sold(walker: &Walker<'_>, operator: &str, count: usize) {
    while all(walker, operator, "conversions").await.len() < count {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn it_ends_now_and_the_walks_people_are_as_ever(
    stack: &LocalStack,
    walker: &Walker<'_>,
    operator: &str,
) {
    for service in Service::ALL {
        let path = format!("operator/{service}/clock");
        let clock = walker.read_as(operator, &path).await;
        assert_eq!(clock["offset_seconds"], 0, "{service}: {clock}");
        assert_eq!(clock["stands_still"], false, "{service}: {clock}");
    }
    let partner = stack.token(&[]).unwrap();
    let balances = walker.read_as(&partner, "balances").await;
    assert_eq!(
        balances["items"][0]["accounts"]["payable"], "200.00",
        "{balances}"
    );
    assert_eq!(balances["items"].as_array().unwrap().len(), 1, "{balances}");
}

/// Three brands, forty partners, six campaigns in their states, and something of all that goes wrong.
async fn everything_of_the_card_is_there(walker: &Walker<'_>, operator: &str) {
    let partners = all(walker, operator, "partners").await;
    let named = partners
        .iter()
        .filter(|it| it["name"].is_string() && it["country"].is_string());
    assert_eq!(named.count(), 40);
    let campaigns = all(walker, operator, "campaigns").await;
    let of = |id: &str| campaigns.iter().find(|it| it["id"] == id).unwrap();
    assert_eq!(campaigns.len(), 8, "with the walk's two");
    assert_eq!(of("lumen-smart")["pause_reason"], "brand");
    assert_eq!(of("saga-summer")["pause_reason"], "ended");
    let statuses = |rows: &[Value]| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            *counts
                .entry(row["status"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        counts
    };
    let mut shown = BTreeMap::new();
    for (list, wanted) in [
        ("conversions", &["attributed", "unattributed"][..]),
        ("commissions", &["approved", "held", "reversed"]),
        ("claims", &["accepted", "declined"]),
        ("evidence", &["approved", "rejected", "returned"]),
        ("payouts", &["paid", "failed"]),
        ("enrollments", &["enrolled", "rejected"]),
        ("deposits", &["cleared", "failed"]),
    ] {
        let counts = statuses(&all(walker, operator, list).await);
        for status in wanted {
            assert!(counts.contains_key(*status), "{list}: {counts:?}");
        }
        shown.insert(list, counts);
    }
    println!("{shown:#?}");
    let commissions = all(walker, operator, "commissions").await;
    let spent: i64 = commissions
        .iter()
        .filter(|it| it["campaign_id"] == "lumen-lights")
        .map(|it| cents(&it["net"]))
        .sum();
    let budget = cents(&of("lumen-lights")["budget"]["amount"]);
    println!("of a budget of {budget} cents, {spent} are spent");
    assert!(
        (budget * 85 / 100..budget).contains(&spent),
        "{spent} of {budget}"
    );
    let total: i64 = commissions.iter().map(|it| cents(&it["net"])).sum();
    println!("{} commissions of {total} cents in all", commissions.len());
}

/// Prints how long timelines take, one after the other: of requests, and of orders.
async fn timelines_are_timed(walker: &Walker<'_>, operator: &str) {
    let conversions = all(walker, operator, "conversions").await;
    let some = conversions.iter().step_by(conversions.len() / 60);
    let (mut of_orders, mut of_requests) = (Vec::new(), Vec::new());
    for conversion in some {
        let path = format!(
            "timeline?conversion_id={}",
            conversion["id"].as_str().unwrap()
        );
        let timeline = timed(walker, operator, &path, &mut of_orders).await;
        let request = timeline["messages"][0]["correlation_id"].as_str().unwrap();
        let path = format!("timeline/{request}");
        timed(walker, operator, &path, &mut of_requests).await;
    }
    for (what, mut times) in [("requests", of_requests), ("conversions", of_orders)] {
        times.sort_unstable();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "timelines of {} {what}: {median:?} in the median, {longest:?} the longest",
            times.len()
        );
    }
}

async fn timed(walker: &Walker<'_>, token: &str, path: &str, times: &mut Vec<Duration>) -> Value {
    let begun = Instant::now();
    let timeline = walker.read_as(token, path).await;
    times.push(begun.elapsed());
    assert_ne!(timeline["messages"], Value::Array(Vec::new()), "{path}");
    timeline
}

fn cents(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

async fn all(walker: &Walker<'_>, token: &str, list: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = walker
            .read_as(token, &format!("{list}?limit=200{cursor}"))
            .await;
        rows.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// To the cent, over all conversions: what each explanation says in its last sentence is what payment's own table of transfers
/// holds by postings of that conversion's commission.
async fn every_explanation_ends_with_what_the_ledger_says(
    stack: &LocalStack,
    walker: &Walker<'_>,
    operator: &str,
) {
    let held = held_by_the_ledger(stack).await;
    let conversions = all(walker, operator, "conversions").await;
    let explained = stream::iter(&conversions)
        .map(async |conversion| {
            let id = conversion["id"].as_str().unwrap();
            let path = format!("conversions/{id}/explanation");
            // Only so many wait for their turn, and not for long.
            let end = Instant::now() + Duration::from_mins(1);
            loop {
                let explained = walker.read_as(operator, &path).await;
                if explained["status"] != 503 || Instant::now() >= end {
                    return (id, explained);
                }
            }
        })
        .buffer_unordered(8)
        .collect::<Vec<_>>()
        .await;
    let mut with_money = 0;
    for (id, explained) in explained {
        let last = explained["sentences"].as_array().unwrap().last().unwrap();
        let last = last.as_str().unwrap();
        let nothing = BTreeMap::new();
        let held = held.get(id).unwrap_or(&nothing);
        with_money += usize::from(!held.is_empty());
        let mut shown: BTreeMap<(String, String), i64> = BTreeMap::new();
        for holding in explained["ledger"].as_array().unwrap() {
            let text = |name: &str| holding[name].as_str().unwrap().to_owned();
            *shown
                .entry((text("account"), text("currency")))
                .or_default() += cents(&holding["amount"]);
        }
        shown.retain(|_, cents| *cents != 0);
        assert_eq!(&shown, held, "{id}: {explained:#}");
        if held.is_empty() {
            assert_eq!(last, "The ledger holds nothing for it.", "{explained:#}");
        }
        for ((account, currency), cents) in held {
            let sign = if *cents < 0 { "-" } else { "" };
            let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
            let says = format!("{sign}{whole}.{rest:02} {currency} in {account}");
            assert!(last.contains(&says), "{last}: {says}");
        }
    }
    println!(
        "{} conversions are explained, {with_money} of them with money",
        conversions.len()
    );
    assert!(with_money > 500, "{with_money}");
}

type Held = BTreeMap<String, BTreeMap<(String, String), i64>>;

/// By conversion, account and currency. What an earning lets a brand recover is of an older refund, not of that conversion.
async fn held_by_the_ledger(stack: &LocalStack) -> Held {
    let pool = async |service| {
        PgPool::connect(&stack.database_url(service).unwrap())
            .await
            .unwrap()
    };
    let facts: Vec<(uuid::Uuid, String)> = sqlx::query_as(
        "SELECT id, subject FROM pipeline.message_log WHERE type LIKE 'commission.%.v1'",
    )
    .fetch_all(&pool(Service::Commission).await)
    .await
    .unwrap();
    let facts: BTreeMap<uuid::Uuid, String> = facts.into_iter().collect();
    let moved: Vec<(Option<uuid::Uuid>, String, String, i64)> = sqlx::query_as(
        "SELECT l.causation_id, s.account, s.currency, s.minor FROM (
            SELECT t.credit AS account, t.currency::text, t.minor, t.position FROM transfers t
            UNION ALL SELECT t.debit, t.currency::text, -t.minor, t.position FROM transfers t) s
          JOIN pipeline.message_log l ON l.position = s.position AND l.type <> 'refund.recovered.v1'",
    )
    .fetch_all(&pool(Service::Payment).await)
    .await
    .unwrap();
    let mut held = Held::new();
    for (cause, account, currency, minor) in moved {
        let Some(conversion) = cause.and_then(|cause| facts.get(&cause)) else {
            continue;
        };
        let of = held.entry(conversion.clone()).or_default();
        *of.entry((account, currency)).or_default() += minor;
    }
    for of in held.values_mut() {
        of.retain(|_, cents| *cents != 0);
    }
    held
}

async fn the_ten_rules_hold(stack: &LocalStack) {
    let records = Records::of_stack(stack).unwrap();
    settled(&records, Duration::from_mins(1)).await.unwrap();
    let findings = check(&records, &Journal::default()).await.unwrap();
    print(&findings);
    let broken: Vec<&Finding> = findings.iter().filter(|finding| !finding.holds()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

fn replay_gives_the_same(stack: &LocalStack, service: Service, operator: &str) {
    let ran = Command::new(crate::built("tributary"))
        .args(["replay", "verify", service.name()])
        .args([
            "--url",
            stack.url(Service::Bff).unwrap(),
            "--token",
            operator,
        ])
        .output()
        .unwrap();
    let (out, error) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{service}: {out}{error}");
}
