//! `tributary publish` at a whole stack: commands of a brand's own system, and what comes of them.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    clippy::print_stdout,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::process::Command;

use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::testing::scratch;
use serde_json::Value;

/// The command line where there is no clone: it has the stack's variables and nothing else.
fn tributary(stack: &LocalStack, arguments: &[&str]) -> String {
    let root = scratch("publish");
    fs::create_dir_all(&root).unwrap();
    let given = stack
        .settings()
        .iter()
        .filter(|(_, value)| !value.is_empty());
    let mut command = Command::new(crate::built("tributary"));
    let output = command
        .args(arguments)
        .envs(given)
        .env("TRIBUTARY_ROOT", &root)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("$ ./tributary {}\n{printed}", arguments.join(" "));
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {failed}");
    printed
}

/// The messages among the lines.
fn messages(shown: &str) -> Vec<Value> {
    let lines = shown.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn kinds(shown: &str) -> Vec<String> {
    let messages = messages(shown).into_iter();
    messages
        .map(|message| message["type"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn publish_shows_what_becomes_of_a_lead_a_purchase_that_is_sent_twice_and_a_refund() {
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    let shown = tributary(&stack, &["publish", "--demo"]);
    assert_eq!(
        kinds(&shown),
        [
            "conversion.attributed.v1",
            "conversion.attributed.v1",
            "conversion.attributed.v1",
            "conversion.refunded.v1",
            "ledger.posted.v1"
        ],
        "{shown}"
    );
    let messages = messages(&shown);
    assert_eq!(messages[1], messages[2], "done once");
    assert_eq!(messages[1]["payload"]["verified_by"], "brand");
    assert_eq!(messages[1]["correlation_id"], messages[4]["correlation_id"]);

    let report = r#"{"event_type": "purchase", "user_id": "user123"}"#;
    let kind = "tracking.record_event.command.v1";
    let refused = tributary(&stack, &["publish", kind, report]);
    assert_eq!(kinds(&refused), ["command.rejected.v1"], "{refused}");
    let paused = tributary(
        &stack,
        &[
            "publish",
            "campaign.pause.command.v1",
            "--subject",
            "camp123",
            "{}",
        ],
    );
    assert_eq!(kinds(&paused), ["campaign.paused.v1"], "{paused}");
    let listed = tributary(&stack, &["publish", "--list"]);
    assert!(listed.contains("campaign.pause.command.v1"), "{listed}");
}
