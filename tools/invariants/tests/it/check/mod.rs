//! The ten rules, checked from the records of a small stack: they hold, and each check finds what is broken on purpose.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod broken;
mod command;
mod copy;
mod traffic;

use std::time::Duration;

use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use devstack::stack::free_port;
use invariants::{Checker, Finding, Journal, Records, canonical, check, same, settled};
use schemas::Service;
use sqlx::PgPool;
use tokio::task::JoinSet;

use broken::{Breakage, CASES, Case};
use copy::Templates;
use traffic::{Traffic, wait};

const PATIENCE: Duration = Duration::from_mins(1);
/// Cases that are looked at at once, each with copies of its own.
const SIDE_BY_SIDE: usize = 2;

#[tokio::test]
async fn the_rules_hold_and_each_check_finds_what_is_broken_on_purpose() {
    let variables = [("WEBHOOK_LOCAL_RECEIVERS", "true")];
    let stack = LocalStack::start_with(Mode::Hybrid, &variables)
        .await
        .unwrap();
    stack.load_demo().await.unwrap();
    let journal = Traffic::new(&stack).run().await;
    let records = Records::of_stack(&stack).unwrap();
    settled(&records, PATIENCE).await.unwrap();
    for (service, sums) in [
        (Service::Bff, "SELECT EXISTS (SELECT FROM report_sums)"),
        // One alone is not enough: what is summed of a day's first click shows which days to look at.
        (
            Service::Tracking,
            "SELECT NOT EXISTS (SELECT FROM clicks, click_horizon WHERE clicked_at >= summed_to)",
        ),
    ] {
        let database = PgPool::connect(&records.databases[&service]).await.unwrap();
        wait(sums, async || {
            let any = sqlx::query_scalar(sums);
            any.fetch_one(&database).await.unwrap()
        })
        .await;
        database.close().await;
    }

    let findings = check(&records, &journal).await.unwrap();
    let wrong: Vec<&Finding> = findings
        .iter()
        .filter(|finding| !finding.holds() || finding.looked_at == 0)
        .collect();
    assert!(wrong.is_empty(), "broken, or shows nothing: {wrong:#?}");
    let as_it_is = canonical(&records).await.unwrap();

    for service in Service::ALL {
        Program::Service(service).stop(stack.layout());
    }
    let mut unbroken: Vec<&str> = findings.iter().map(|finding| finding.check).collect();
    let templates = Templates::of(&records).await;
    waits_for_what_is_under_way_alone(&templates, &records).await;
    what_cannot_be_read_ends_no_check(&templates, &records, &journal).await;
    let mut parts = JoinSet::new();
    for cases in CASES.chunks(CASES.len().div_ceil(SIDE_BY_SIDE)) {
        parts.spawn(found(
            cases,
            templates.clone(),
            records.clone(),
            journal.clone(),
        ));
    }
    let (found, missed): (Vec<_>, Vec<_>) = parts
        .join_all()
        .await
        .concat()
        .into_iter()
        .partition(|(_, _, is_found)| *is_found);
    assert!(missed.is_empty(), "not found: {missed:#?}");
    unbroken.retain(|check| !found.iter().any(|(found, ..)| found == check));
    let mut checker = Checker::new(&records).await.unwrap();
    for (check, pay) in [
        ("what the provider paid", &["pay_unheard_of"][..]),
        ("no payout stands twice", &["pay_twice", "pay_twice"]),
    ] {
        broken::pay_behind_our_back(&records.provider_url, pay).await;
        let found = checker.check(&records, &journal, &[9]).await.unwrap();
        let finding = named(&found, check);
        assert!(!finding.holds(), "not found: {check}");
        unbroken.retain(|check| *check != finding.check);
    }
    assert_eq!(unbroken, [""; 0], "nobody has seen these fail");
    let without_statement = Records {
        provider_url: format!("http://127.0.0.1:{}", free_port()),
        ..records.clone()
    };
    let found = checker.check(&without_statement, &journal, &[9]).await;
    let found = found.unwrap();
    let finding = named(&found, "what the provider paid");
    assert!(finding.holds() && finding.looked_at == 0, "{finding:#?}");
    let why = &finding.broken[0];
    assert!(
        why.starts_with("not looked at: the provider's statement"),
        "{why}"
    );

    let another =
        Breakage::Sql("UPDATE balances SET minor = minor + 1 WHERE account LIKE '%payable'");
    let amiss = templates.with(&records, Service::Payment, &another).await;
    let different = canonical(&amiss).await.unwrap();
    let reported = &same(&as_it_is, &different).broken[0];
    assert!(
        reported.starts_with("balances: ") && reported.contains("payable"),
        "{reported}"
    );
    checker.close().await.unwrap();
    assert!(same(&as_it_is, &canonical(&records).await.unwrap()).holds());
}

/// Payouts are, unless they are paused, as after a restore, when nothing is handed to the provider before somebody has looked. So are calls
/// to the CRM, unless they are put off, as where none is set and an erased partner is to be forgotten.
async fn waits_for_what_is_under_way_alone(templates: &Templates, records: &Records) {
    let called = "INSERT INTO crm_calls (workflow_id, partner_id, removes, erases, correlation_id, created_at, next_at)
                  VALUES ('wfl_1', 'partner1', true, true, gen_random_uuid(), 0, 0)";
    let put_off = "INSERT INTO crm_calls (workflow_id, partner_id, removes, erases, correlation_id, created_at, next_at)
                   VALUES ('wfl_1', 'partner1', true, true, gen_random_uuid(), 0, 9000000000000000)";
    let requested = "UPDATE payouts SET status = 'requested'";
    let paused = "WITH p AS (UPDATE aside.payout_switch SET paused = true) UPDATE payouts SET status = 'requested'";
    for (service, change, is_quiet) in [
        (Service::Payment, requested, false),
        (Service::Payment, paused, true),
        (Service::Notify, called, false),
        (Service::Notify, put_off, true),
    ] {
        let change = Breakage::Sql(change);
        let changed = templates.with(records, service, &change).await;
        let patience = Duration::from_secs(if is_quiet { 20 } else { 2 });
        let settled = settled(&changed, patience).await;
        assert_eq!(settled.is_ok(), is_quiet, "{settled:?}");
    }
}

/// It is wrong itself, and everything else is looked at.
async fn what_cannot_be_read_ends_no_check(
    templates: &Templates,
    records: &Records,
    journal: &Journal,
) {
    let mut checker = Checker::new(records).await.unwrap();
    let all: Vec<u8> = (1..=10).collect();
    let money = [2, 9];
    for (service, kind, rules) in [
        (Service::Payment, "ledger.posted.v1", &all[..]),
        (Service::Payment, "deposit.announced.v1", &money),
        (Service::Commission, "commission.calculated.v1", &money),
        (Service::Tracking, "conversion.attributed.v1", &money),
    ] {
        let amiss = templates.with(records, service, &Breakage::Cut(kind)).await;
        let found = checker.check(&amiss, journal, rules).await;
        let found = found.unwrap_or_else(|error| panic!("{kind} ends the check: {error:#}"));
        let unread = named(&found, "every message of every log can be read");
        assert_eq!(unread.wrong, 1, "{unread:#?}");
    }
    checker.close().await.unwrap();
}

/// Of each case the check by its whole name, what is broken, and whether it was found.
async fn found(
    cases: &'static [Case],
    templates: Templates,
    records: Records,
    journal: Journal,
) -> Vec<(&'static str, &'static Breakage, bool)> {
    let mut checker = Checker::new(&records).await.unwrap();
    let mut seen = Vec::new();
    for case in cases {
        let amiss = templates.with(&records, case.of, &case.breakage).await;
        let found = checker.check(&amiss, &journal, &[case.rule]).await.unwrap();
        let finding = named(&found, case.check);
        let is_found = !finding.holds() && !finding.broken.is_empty();
        seen.push((finding.check, &case.breakage, is_found));
    }
    checker.close().await.unwrap();
    seen
}

fn named<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    let named = findings
        .iter()
        .find(|finding| finding.check.starts_with(check));
    named.unwrap_or_else(|| panic!("there is no check that {check}: {findings:#?}"))
}
