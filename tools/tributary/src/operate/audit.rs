//! `tributary audit list`.

use anyhow::Result;

use super::{Client, Listed, cells};

/// What can be asked of the audit.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// What operators did at a service, newest first
    List {
        /// Whose
        #[command(flatten)]
        listed: Listed,
        /// Only by this person
        #[arg(long)]
        actor: Option<String>,
        /// Only of this action, such as parked.drop, or of this noun, such as parked
        #[arg(long)]
        action: Option<String>,
        /// Only upon this
        #[arg(long)]
        target: Option<String>,
    },
}

const SHOWN: [&str; 5] = ["at", "actor", "action", "target", "reason"];

pub(super) async fn run(client: &Client, verb: Verb) -> Result<()> {
    let Verb::List {
        listed,
        actor,
        action,
        target,
    } = verb;
    let pairs = vec![("actor", actor), ("action", action), ("target", target)];
    let row = |act: &_| cells(act, SHOWN);
    client.list("/audit", listed, pairs, &SHOWN, row).await
}
