//! Whether the check finds what it is there to find: two of the faults that `cargo chaos faults all` injects.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use chaos::faults::play;
use devstack::layout::Layout;
use mutants::{FOLDER, Fault};

const LASTING: Duration = Duration::from_secs(8);

async fn is_seen_rightly(fault: Option<Fault>) {
    let built = Layout::find().built(FOLDER);
    let outcome = play(fault, &built, LASTING).await.unwrap();
    assert!(outcome.is_right(), "{}", outcome.line());
}

#[tokio::test]
async fn an_injected_fault_is_caught_by_the_check_of_its_rule() {
    for fault in [Fault::WatermarkIgnored, Fault::FloatInAmount] {
        is_seen_rightly(Some(fault)).await;
    }
}

#[tokio::test]
async fn without_an_injected_fault_the_same_storm_breaks_no_rule() {
    is_seen_rightly(None).await;
}
