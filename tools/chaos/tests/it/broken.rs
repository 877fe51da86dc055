//! A short run: everything is broken for a while, and every rule holds.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use chaos::{Report, RunOptions};
use devstack::layout::Layout;
use devstack::settings::Mode;
use devstack::stack::testing::scratch;

async fn chaos_run(mode: Mode, replicas: u8, seconds: u64) -> Report {
    let options = RunOptions {
        seed: 7,
        mode,
        replicas,
        built: "debug".to_owned(),
        pace_ms: 1_500,
        journeys: 20,
        seconds: Some(seconds),
        ..RunOptions::default()
    };
    let folder = scratch("chaos");
    let report = chaos::run(&Layout::find(), &options, folder.clone())
        .await
        .unwrap();
    invariants::print(&report.findings);
    assert!(report.holds(), "{}", report.text());
    assert!(report.fired.kills > 0, "{}", report.text());
    let mut servers = vec!["postgres"];
    servers.extend((mode != Mode::Http).then_some("pulsar"));
    for server in servers {
        let mut broken = report.fired.counts.keys();
        assert!(
            broken.any(|(_, target)| target == server),
            "{}",
            report.text()
        );
    }
    // Rule 8 is about two runs.
    for rule in (1..=10).filter(|rule| *rule != 8) {
        let of_rule = report.findings.iter().filter(|it| it.rule == rule);
        let looked: u64 = of_rule.map(|it| it.looked_at).sum();
        assert!(
            looked > 0,
            "nothing was looked at for rule {rule}: {}",
            report.text()
        );
    }
    // A run leaves a gigabyte; one that failed keeps it.
    chaos::remove(&folder).unwrap();
    report
}

/// Seconds in which each kind of fault and of journey comes, the eighth of which is of funds that run out.
const LASTING: u64 = 24;

#[tokio::test]
async fn every_rule_holds_while_two_replicas_of_each_service_are_broken() {
    chaos_run(Mode::Hybrid, 2, 45).await;
}

#[tokio::test]
async fn the_same_workload_ends_the_same_in_every_mode_whatever_is_broken() {
    let hybrid = chaos_run(Mode::Hybrid, 1, LASTING).await;
    for mode in [Mode::Http, Mode::Event] {
        let other = chaos_run(mode, 1, LASTING).await;
        let same = invariants::same(&hybrid.canonical, &other.canonical);
        assert!(same.holds() && same.looked_at > 0, "{mode:?}: {same:?}");
    }
}
