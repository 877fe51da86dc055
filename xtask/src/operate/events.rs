//! `tributary events list`, `show` and `live`.

use anyhow::{Context, Result};
use reqwest::Method;
use schemas::Service;
use serde_json::Value;

use super::{Client, cut, given, service, show_page};

/// What can be asked of a service's log.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Messages of a service's log, newest first
    List {
        /// bff, campaign, tracking, commission or payment
        #[arg(value_parser = service)]
        service: Service,
        /// Which of them
        #[command(flatten)]
        which: Which,
        /// Oldest first
        #[arg(long)]
        oldest: bool,
        /// Begin with this position
        #[arg(long)]
        from: Option<i64>,
        /// At most so many
        #[arg(long)]
        limit: Option<u16>,
        /// Where the page before ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// The message at a position, decoded by the schema that wrote it
    Show {
        /// bff, campaign, tracking, commission or payment
        #[arg(value_parser = service)]
        service: Service,
        /// Its position
        position: i64,
    },
    /// Messages as they are committed, one line of JSON each, until interrupted
    Live {
        /// bff, campaign, tracking, commission or payment
        #[arg(value_parser = service)]
        service: Service,
        /// Which of them
        #[command(flatten)]
        which: Which,
        /// Begin behind this position, 0 for the whole log; without it with what comes from now on
        #[arg(long)]
        after: Option<i64>,
    },
}

/// Which messages.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Only those about this aggregate
    #[arg(long)]
    subject: Option<String>,
    /// Only what this request caused
    #[arg(long)]
    correlation: Option<String>,
    /// Only of this type, such as campaign.created.v1
    #[arg(long = "type")]
    kind: Option<String>,
}

impl Which {
    fn query(self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("subject", self.subject),
            ("correlation_id", self.correlation),
            ("type", self.kind),
        ]
    }
}

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    match verb {
        Verb::List {
            service,
            which,
            oldest,
            from,
            limit,
            cursor,
        } => {
            let mut query = which.query();
            query.extend([
                ("order", oldest.then(|| "oldest".to_owned())),
                ("from", from.map(|from| from.to_string())),
                ("limit", limit.map(|limit| limit.to_string())),
                ("cursor", cursor),
            ]);
            let page = client.get(service, "/events", &given(query)).await?;
            show_page(
                client,
                &page,
                &["position", "time", "type", "subject", "payload"],
                row,
            );
        }
        Verb::Show { service, position } => {
            let event = client
                .get(service, &format!("/events/{position}"), &[])
                .await?;
            println!("{event:#}");
        }
        Verb::Live {
            service,
            which,
            after,
        } => {
            let mut query = which.query();
            query.push(("after", after.map(|after| after.to_string())));
            live(client, service, &given(query)).await?;
        }
    }
    Ok(())
}

fn row(event: &Value) -> Vec<String> {
    let message = &event["message"];
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    vec![
        event["position"].to_string(),
        message["time"]
            .as_i64()
            .map_or_else(|| text("time"), |time| time.to_string()),
        text("type"),
        cut(&text("subject"), 40),
        cut(&message["payload"].to_string(), 80),
    ]
}

/// Prints the data of each event.
async fn live(client: &Client, service: Service, query: &[(&str, String)]) -> Result<()> {
    let asked = client.send(Method::GET, service, "/events/live", query, None);
    let mut answer = asked.await?;
    let mut rest = String::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .context("the stream broke; ask again with --after")?
    {
        rest.push_str(&String::from_utf8_lossy(&chunk));
        while let Some(end) = rest.find('\n') {
            let line: String = rest.drain(..=end).collect();
            if let Some(data) = line.strip_prefix("data:") {
                println!("{}", data.trim());
            }
        }
    }
    Ok(())
}
