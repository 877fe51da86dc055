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
    // A run leaves a gigabyte; one that failed keeps it.
    chaos::remove(&folder).unwrap();
    report
}

#[tokio::test]
async fn every_rule_holds_while_two_replicas_of_each_service_are_broken() {
    chaos_run(Mode::Hybrid, 2, 45).await;
}

#[tokio::test]
async fn the_same_workload_ends_the_same_in_every_mode_whatever_is_broken() {
    let hybrid = chaos_run(Mode::Hybrid, 1, 20).await;
    for mode in [Mode::Http, Mode::Event] {
        let other = chaos_run(mode, 1, 20).await;
        let difference = hybrid.canonical.difference(&other.canonical);
        assert!(difference.is_none(), "{mode:?}: {difference:?}");
    }
}
