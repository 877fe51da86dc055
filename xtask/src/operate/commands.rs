//! `tributary commands list`.

use anyhow::Result;
use schemas::Service;

use super::{Client, cut, given, service, show_page};

/// What can be asked of a service's command log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Commands that a service handled, with what became of them, newest first
    List {
        /// bff, campaign, tracking, commission or payment
        #[arg(value_parser = service)]
        service: Service,
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
        /// Only those that stand so: done, rejected, parked or dropped
        #[arg(long)]
        state: Option<String>,
        /// Only those that were refused with this code
        #[arg(long)]
        code: Option<String>,
        /// At most so many
        #[arg(long)]
        limit: Option<u16>,
        /// Where the page before ended
        #[arg(long)]
        cursor: Option<String>,
    },
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    let Verb::List {
        service,
        id,
        kind,
        actor,
        subject,
        state,
        code,
        limit,
        cursor,
    } = verb;
    let query = given(vec![
        ("id", id),
        ("type", kind),
        ("actor", actor),
        ("subject", subject),
        ("state", state),
        ("code", code),
        ("limit", limit.map(|limit| limit.to_string())),
        ("cursor", cursor),
    ]);
    let page = client.get(service, "/commands", &query).await?;
    let headings = [
        "received", "type", "subject", "actor", "state", "code", "events",
    ];
    show_page(client, &page, &headings, |command| {
        let text = |name: &str| command[name].as_str().unwrap_or_default().to_owned();
        let events = command["events"].as_array().into_iter().flatten();
        let events: Vec<String> = events
            .map(|event| {
                format!(
                    "{}@{}",
                    event["type"].as_str().unwrap_or_default(),
                    event["position"]
                )
            })
            .collect();
        vec![
            text("received_at"),
            text("type"),
            cut(&text("subject"), 40),
            text("actor"),
            text("state"),
            text("code"),
            events.join(" "),
        ]
    });
    Ok(())
}
