//! `tributary epoch show | raise | keep | accept` and `tributary relay rewind`: docs/runbooks/restore.md.

use anyhow::Result;
use schemas::Service;
use serde_json::{Value, json};

use super::{Client, service, table};

/// What is done after a database was restored.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Under which epoch a service emits, whether it knows its database, and which streams it halted
    Show {
        /// bff, campaign, tracking, commission, payment or notify
        #[arg(value_parser = service)]
        service: Service,
    },
    /// After a restore that lost something: the service's log goes on under the next epoch
    Raise {
        /// Whose log, and why
        #[command(flatten)]
        act: Act,
        /// Where the backup ended: what was appended since goes out under the new epoch. Only where its followers cannot tell: docs/runbooks/clock-ahead.md
        #[arg(long, value_name = "POSITION")]
        behind: Option<i64>,
    },
    /// After a move that lost nothing: the service's log goes on as it was
    Keep(Act),
    /// Let a follower take another service's raised epoch
    Accept {
        /// Whose log was restored
        #[arg(long, value_parser = service)]
        source: Service,
        /// Who follows it
        #[arg(long, value_parser = service)]
        at: Service,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

/// Whose log, and why.
#[derive(Clone, Debug, clap::Args)]
pub struct Act {
    /// Whose database was restored
    #[arg(long, value_parser = service)]
    service: Service,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
}

/// What can be done with a relay.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum RelayVerb {
    /// Send a stream again by the broker, from behind a sequence; followers drop what they have
    Rewind {
        /// Who publishes it
        #[arg(long, value_parser = service)]
        source: Service,
        /// Such as campaign-commands
        #[arg(long)]
        topic: String,
        /// One of the topic's partitions; all of them without it
        #[arg(long)]
        partition: Option<i32>,
        /// The last sequence of the newest epoch that need not be sent again, of each partition's own; 0 sends all, of every epoch
        #[arg(long)]
        to: i64,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::Show { service } => {
            let shown = client.get(service, "/epoch", &[]).await?;
            show(client, &shown);
        }
        Verb::Raise { act, behind } => {
            let mut body = json!({"reason": act.reason});
            if let Some(position) = behind {
                body["behind"] = json!(position);
            }
            let raised = client.post(act.service, "/epoch/raise", &body).await?;
            let text = format!(
                "{} emits under epoch {} behind position {}; {} message(s) appended since the restore go out under it",
                act.service.name(),
                raised["epoch"],
                raised["after_position"],
                raised["restated"]
            );
            print(client, &raised, &text);
        }
        Verb::Keep(act) => {
            let body = json!({"reason": act.reason});
            let kept = client.post(act.service, "/epoch/keep", &body).await?;
            print(client, &kept, "the log goes on in this database");
        }
        Verb::Accept { source, at, reason } => {
            let epoch = client.get(source, "/epoch", &[]).await?["epoch"].clone();
            let body = json!({"source": source.name(), "epoch": epoch, "reason": reason});
            let accepted = client.post_on(at, "/epoch/accept", &body).await?;
            let streams = accepted["streams"].as_array().map_or(0, Vec::len);
            let text = format!(
                "{} takes epoch {epoch} of {}; {streams} halted stream(s) go on",
                at.name(),
                source.name()
            );
            print(client, &accepted, &text);
        }
    }
    Ok(())
}

pub(super) async fn run_relay(client: &Client, verb: RelayVerb) -> Result<()> {
    let RelayVerb::Rewind {
        source,
        topic,
        partition,
        to,
        reason,
    } = verb;
    let mut body = json!({"topic": topic, "to": to, "reason": reason});
    if let Some(partition) = partition {
        body["partition"] = partition.into();
    }
    let rewound = client.post(source, "/relay/rewind", &body).await?;
    let each = rewound["partitions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let lines: Vec<String> = each
        .iter()
        .map(|it| {
            format!(
                "{topic}/{} was shipped up to position {} and is shipped again from behind {}",
                it["partition"], it["from_position"], it["to_position"]
            )
        })
        .collect();
    print(client, &rewound, &lines.join("\n"));
    Ok(())
}

fn print(client: &Client, answer: &Value, text: &str) {
    if client.json {
        println!("{answer:#}");
    } else {
        println!("{text}");
    }
}

fn show(client: &Client, shown: &Value) {
    if client.json {
        println!("{shown:#}");
        return;
    }
    println!("epoch {}", shown["epoch"]);
    if let Some(reason) = shown["not_recognised"].as_str() {
        println!("{reason}");
    }
    let streams = shown["stopped"].as_array().map_or(&[][..], Vec::as_slice);
    if streams.is_empty() {
        println!("no stream is halted");
        return;
    }
    let rows: Vec<Vec<String>> = streams
        .iter()
        .map(|stream| {
            let text = |name: &str| match &stream[name] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            [
                "source",
                "topic",
                "partition",
                "known_epoch",
                "came_epoch",
                "sequence",
            ]
            .map(text)
            .to_vec()
        })
        .collect();
    table(
        &["source", "topic", "partition", "known", "came", "message"],
        &rows,
    );
}
