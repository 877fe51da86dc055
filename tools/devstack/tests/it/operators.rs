//! The command line of operators against a real stack, as docs/operations.md has it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot be set up has failed"
)]

use std::process::Command;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::walk::until;

/// What the command prints; it must succeed.
fn tributary(stack: &LocalStack, words: &[&str]) -> String {
    let token = stack
        .token(&["--role", "operator", "--subject", "alice"])
        .unwrap();
    let ran = Command::new(crate::built("tributary"))
        .args(words)
        .args(["--url", stack.url(Service::Bff).unwrap(), "--token", &token])
        .output()
        .unwrap();
    let stdout = String::from_utf8(ran.stdout).unwrap();
    assert!(
        ran.status.success(),
        "{words:?}: {stdout}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    println!("$ tributary {}\n{stdout}", words.join(" "));
    stdout
}

async fn sql(stack: &LocalStack, statement: &'static str) {
    let url = stack.database_url(Service::Campaign).unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}

async fn requested(stack: &LocalStack, method: &str, path: &str, body: Option<&Value>) -> Value {
    let url = format!("{}/api/v1{path}", stack.url(Service::Bff).unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method.parse().unwrap(), url);
    request = request.bearer_auth(stack.token(&[]).unwrap());
    if let Some(body) = body {
        request = request.json(body);
    }
    request.send().await.unwrap().json().await.unwrap()
}

/// A request that campaign's table refuses, until it is dead.
async fn stuck(stack: &LocalStack, path: &str, body: &Value) -> String {
    let id = requested(stack, "POST", path, Some(body)).await["command_id"]
        .as_str()
        .unwrap()
        .to_owned();
    until("the command is dead", || async {
        sql(
            stack,
            "UPDATE pipeline.log_head SET clock_offset = clock_offset + 600000000",
        )
        .await;
        let counts = tributary(
            stack,
            &["parked", "list", "campaign", "--state", "dead", "--json"],
        );
        counts.contains(&id)
    })
    .await;
    id
}

#[tokio::test]
async fn an_operator_finds_tries_redrives_and_drops_what_is_stuck() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    stack.load_demo().await.unwrap();
    sql(
        &stack,
        "ALTER TABLE enrollments ADD CONSTRAINT broken CHECK (false) NOT VALID;
         ALTER TABLE evidence ADD CONSTRAINT broken CHECK (false) NOT VALID",
    )
    .await;
    let accept = json!({"accepted_terms": true});
    let id = stuck(&stack, "/campaigns/camp123/accept", &accept).await;
    let status = async |id: &str| requested(&stack, "GET", &format!("/commands/{id}"), None).await;
    until("it needs attention", || async {
        status(&id).await["status"] == "needs_attention"
    })
    .await;

    let counts = tributary(&stack, &["parked", "counts"]);
    assert!(counts.contains("campaign.accept.command.v1"), "{counts}");
    assert!(
        counts.contains("payment: the retry queue is empty"),
        "{counts}"
    );
    let shown = tributary(&stack, &["parked", "show", "campaign", &id]);
    assert!(shown.contains("partner123"), "{shown}");
    let result = tributary(&stack, &["parked", "dry-run", "campaign", &id]);
    assert!(result.contains("failed"), "{result}");

    sql(&stack, "ALTER TABLE enrollments DROP CONSTRAINT broken").await;
    let result = tributary(&stack, &["parked", "dry-run", "campaign", &id]);
    assert!(result.contains("enrollment.accepted.v1"), "{result}");
    let redrive = [
        "parked", "redrive", "campaign", "--all", "--rate", "100", "--reason", "mended",
    ];
    let done = tributary(&stack, &redrive);
    assert!(done.contains("done"), "{done}");
    until("it completes", || async {
        status(&id).await["status"] == "completed"
    })
    .await;
    tributary(&stack, &["parked", "redrives", "campaign"]);

    let evidence = json!({"campaign_id": "camp123", "evidence_type": "photo",
                          "file_url": "https://example.com/photo.jpg"});
    let id = stuck(&stack, "/evidence/upload", &evidence).await;
    let drop = ["parked", "drop", "campaign", &id, "--reason", "asked twice"];
    let done = tributary(&stack, &drop);
    assert!(done.contains("dropped"), "{done}");
    until("it is dropped", || async {
        status(&id).await["status"] == "dropped"
    })
    .await;
    let acts = tributary(&stack, &["audit", "list", "campaign", "--action", "parked"]);
    for part in ["alice", "parked.drop", "parked.redrive_many", "asked twice"] {
        assert!(acts.contains(part), "{acts}");
    }
}
