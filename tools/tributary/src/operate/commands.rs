//! `tributary commands list`.

use anyhow::Result;
use serde_json::Value;

use super::{Client, Listed, cells, text};

/// What can be asked of a service's command log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Commands that a service handled, with what became of them, newest first
    List {
        /// Whose
        #[command(flatten)]
        listed: Listed,
        /// This one
        #[arg(long)]
        id: Option<String>,
        /// Only of this type
        #[arg(long = "type")]
        kind: Option<String>,
        /// Only of this person
        #[arg(long)]
        actor: Option<String>,
        /// Only about this aggregate
        #[arg(long)]
        subject: Option<String>,
        /// Only those that stand so: done, rejected, parked or dropped; of the bff pending, completed, rejected, dropped or
        /// `needs_attention`
        #[arg(long)]
        state: Option<String>,
        /// Only those that were refused with this code
        #[arg(long)]
        code: Option<String>,
    },
}

const HEADINGS: [&str; 7] = [
    "received", "type", "subject", "actor", "state", "code", "events",
];

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    let Verb::List {
        listed,
        id,
        kind,
        actor,
        subject,
        state,
        code,
    } = verb;
    let pairs = vec![
        ("id", id),
        ("type", kind),
        ("actor", actor),
        ("subject", subject),
        ("state", state),
        ("code", code),
    ];
    client
        .list("/commands", listed, pairs, &HEADINGS, row)
        .await
}

fn row(command: &Value) -> Vec<String> {
    let names = ["received_at", "type", "subject", "actor", "state", "code"];
    let events = command["events"].as_array().into_iter().flatten();
    let events: Vec<String> = events
        .map(|event| format!("{}@{}", text(&event["type"]), event["position"]))
        .collect();
    let mut row = cells(command, names);
    row.push(events.join(" "));
    row
}
