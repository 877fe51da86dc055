//! `tributary audit list`.

use anyhow::Result;
use schemas::Service;

use super::{Client, cut, given, service, show_page};

/// What can be asked of the audit.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// What operators did at a service, newest first
    List {
        /// bff, campaign, tracking, commission or payment
        #[arg(value_parser = service)]
        service: Service,
        /// Only by this person
        #[arg(long)]
        actor: Option<String>,
        /// Only of this action, such as parked.drop, or of this noun, such as parked
        #[arg(long)]
        action: Option<String>,
        /// Only upon this
        #[arg(long)]
        target: Option<String>,
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
        actor,
        action,
        target,
        limit,
        cursor,
    } = verb;
    let query = given(vec![
        ("actor", actor),
        ("action", action),
        ("target", target),
        ("limit", limit.map(|limit| limit.to_string())),
        ("cursor", cursor),
    ]);
    let page = client.get(service, "/audit", &query).await?;
    let headings = ["at", "actor", "action", "target", "reason"];
    show_page(client, &page, &headings, |act| {
        let text = |name: &str| act[name].as_str().unwrap_or_default().to_owned();
        let reason = cut(&text("reason"), 60);
        vec![
            text("at"),
            text("actor"),
            text("action"),
            text("target"),
            reason,
        ]
    });
    Ok(())
}
