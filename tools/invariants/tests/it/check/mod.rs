//! The ten rules, checked from the records of a small stack: they hold, and each check finds what is broken on purpose.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod broken;
mod command;
mod copy;
mod traffic;

use std::collections::BTreeSet;
use std::time::Duration;

use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use devstack::stack::free_port;
use invariants::{Checker, Finding, Journal, Records, canonical, check, same, settled};
use schemas::Service;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
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
    a_new_epoch_is_no_disorder(&templates, &records, &journal).await;
    all_is_copied_as_of_one_moment(&templates, &records, &journal).await;
    a_stack_that_moves_once_more_is_waited_for(&templates, &records, &journal).await;
    a_look_that_takes_too_long_leaves_nothing_behind(&templates, &records).await;
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

    let odd = a_provider_with_an_odd_line(&mut checker, &records, &journal).await;
    let why = &named(&odd, "what the provider paid").broken[0];
    assert!(
        why.starts_with("not looked at: a line of the provider's statement"),
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

/// Its sequences begin anew, and come behind those of the epochs before.
async fn a_new_epoch_is_no_disorder(templates: &Templates, records: &Records, journal: &Journal) {
    let restated = Breakage::Restated("conversion.refunded.v1");
    let restored = templates.with(records, Service::Tracking, &restated).await;
    let mut checker = Checker::new(records).await.unwrap();
    let found = checker.check(&restored, journal, &[4]).await.unwrap();
    let finding = named(&found, "each follower handled");
    assert!(finding.holds(), "{finding:#?}");
    checker.close().await.unwrap();
}

/// While a database is copied, another goes on.
async fn all_is_copied_as_of_one_moment(
    templates: &Templates,
    records: &Records,
    journal: &Journal,
) {
    let as_it_is = Breakage::Sql("UPDATE pipeline.log_head SET position = position");
    let copies = templates.with(records, Service::Campaign, &as_it_is).await;
    let copies = templates.with(&copies, Service::Payment, &as_it_is).await;
    let [mut early, mut watched] = [
        connect(&copies, Service::Campaign).await,
        connect(&copies, Service::Campaign).await,
    ];
    let mut late = connect(&copies, Service::Payment).await;
    let locked = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE enrollments IN ACCESS EXCLUSIVE MODE";
    early.execute(locked).await.unwrap();
    let mut checker = Checker::new(records).await.unwrap();
    let checking = Box::pin(checker.check(&copies, journal, &[9]));
    let going_on = async {
        wait("the check waits for a table", async || {
            let waits = "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                          WHERE NOT l.granted AND d.datname = current_database() AND l.relation = 'enrollments'::regclass)";
            let waits = sqlx::query_scalar(waits);
            waits.fetch_one(&mut watched).await.unwrap()
        })
        .await;
        let more = "UPDATE balances SET minor = minor + 1";
        late.execute(more).await.unwrap();
        early.execute("ROLLBACK").await.unwrap();
    };
    let (found, ()) = tokio::join!(checking, going_on);
    let found = found.unwrap();
    let wrong: Vec<_> = found.iter().filter(|finding| !finding.holds()).collect();
    assert!(wrong.is_empty(), "not of one moment: {wrong:#?}");
    checker.close().await.unwrap();
}

/// What is in the retry queue is tried again, and is not there any more at the next look.
async fn a_stack_that_moves_once_more_is_waited_for(
    templates: &Templates,
    records: &Records,
    journal: &Journal,
) {
    let retrying = Breakage::Sql(broken::IN_RETRY_QUEUE);
    let moving = templates.with(records, Service::Payment, &retrying).await;
    let mut payment = connect(&moving, Service::Payment).await;
    let mut checker = Checker::new(records).await.unwrap().patient(PATIENCE);
    let checking = Box::pin(checker.check(&moving, journal, &[5]));
    let going_on = async {
        let mut seen = BTreeSet::new();
        wait("the check has looked and looks again", async || {
            let others = "SELECT pid FROM pg_stat_activity
                           WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
            let others = sqlx::query_scalar::<_, i32>(others);
            seen.extend(others.fetch_all(&mut payment).await.unwrap());
            seen.len() > 1
        })
        .await;
        let tried = "DELETE FROM pipeline.parked";
        payment.execute(tried).await.unwrap();
    };
    let (found, ()) = tokio::join!(checking, going_on);
    let found = found.unwrap();
    let wrong: Vec<_> = found.iter().filter(|finding| !finding.holds()).collect();
    assert!(wrong.is_empty(), "not waited for: {wrong:#?}");
    checker.close().await.unwrap();
}

/// A live database is not left with statements that nobody waits for.
async fn a_look_that_takes_too_long_leaves_nothing_behind(
    templates: &Templates,
    records: &Records,
) {
    let as_it_is = Breakage::Sql("UPDATE pipeline.log_head SET position = position");
    let copies = templates.with(records, Service::Bff, &as_it_is).await;
    let mut locking = connect(&copies, Service::Bff).await;
    let mut watching = connect(&copies, Service::Bff).await;
    let locked = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE";
    locking.execute(locked).await.unwrap();
    let moving = settled(&copies, Duration::from_secs(1)).await.unwrap_err();
    assert!(moving.contains("cannot be read"), "{moving}");
    wait("nothing of the look goes on", async || {
        let none = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
                                          AND pid <> pg_backend_pid() AND query LIKE '%are pending%')";
        let none = sqlx::query_scalar(none);
        none.fetch_one(&mut watching).await.unwrap()
    })
    .await;
    locking.execute("ROLLBACK").await.unwrap();
}

/// What is found where the provider states an amount that is none.
async fn a_provider_with_an_odd_line(
    checker: &mut Checker,
    records: &Records,
    journal: &Journal,
) -> Vec<Finding> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let records = Records {
        provider_url: format!("http://{}", listener.local_addr().unwrap()),
        ..records.clone()
    };
    let answering = async {
        let (mut caller, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert_ne!(caller.read_buf(&mut request).await.unwrap(), 0);
        }
        let line = r#"{"reference":"p","amount":"about 1","currency":"USD","method":"paypal","state":"paid"}"#;
        let body = format!(r#"{{"payouts":[{line}],"next":null}}"#);
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        caller.write_all(answer.as_bytes()).await.unwrap();
    };
    let checking = Box::pin(checker.check(&records, journal, &[9]));
    let (found, ()) = tokio::join!(checking, answering);
    found.unwrap()
}

async fn connect(records: &Records, service: Service) -> PgConnection {
    let url = &records.databases[&service];
    PgConnection::connect(url).await.unwrap()
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
