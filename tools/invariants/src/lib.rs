//! The ten rules, checked from the records of a quiet stack: what the databases and the provider say after the fact.
//!
//! What is looked at is gathered into a database of the check's own, so that questions across services are plain joins,
//! memory stays bounded however long the logs are, and nothing of the stack is written to. See `docs/rules.md`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

mod canonical;
mod command;
mod evidence;
mod gather;
mod rules;
mod scratch;
mod settled;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::settings::Settings;
use devstack::stack::Postgres;
use schemas::Service;
use serde::Serialize;
use uuid::Uuid;

pub use canonical::{Canonical, canonical, same};
pub use command::{Check, print, report};
pub use settled::{Positions, positions, resends, settled};

/// Where the records are.
#[derive(Clone, Debug)]
pub struct Records {
    /// The database of each service: its URL.
    pub databases: BTreeMap<Service, String>,
    /// The payout provider's simulator; empty when there is none to ask.
    pub provider_url: String,
    /// The server on which the check makes a database of its own, and drops it: a URL of who may.
    pub scratch_url: String,
    /// The folder of the built programs, of which `rebuild` is used.
    pub programs: PathBuf,
}

impl Records {
    /// Those of a stack of a test's own.
    pub fn of_stack(stack: &LocalStack) -> Result<Self> {
        let built = stack.built().to_owned();
        Self::of(stack.layout(), stack.settings(), built, None)
    }

    /// Those of a stack; the server for the check's own database is the one that this clone runs, where no other is named.
    pub fn of(
        layout: &Layout,
        settings: &Settings,
        programs: PathBuf,
        scratch_url: Option<String>,
    ) -> Result<Self> {
        let url = |service| Ok((service, settings.database_url(service)?));
        let databases: Result<_> = Service::ALL.into_iter().map(url).collect();
        Ok(Self {
            databases: databases?,
            provider_url: settings
                .get("PAYOUT_PROVIDER_URL")
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned(),
            scratch_url: match scratch_url {
                Some(url) => url,
                None => Postgres::admin_url_in(
                    &layout.state.join("postgres"),
                    settings.need("POSTGRES_PORT")?,
                )
                .context("the check needs a server for a database of its own: --scratch-url")?,
            },
            programs,
        })
    }

    /// Fails without what folds the logs for rule 7: to copy all of them comes first, and takes long.
    fn need_rebuild(&self) -> Result<()> {
        let program = self.programs.join(REBUILD);
        ensure!(
            program.is_file(),
            "{} is missing, by which rule 7 folds the logs: cargo build --release --locked --bin {REBUILD}",
            program.display()
        );
        Ok(())
    }
}

/// The program by which rule 7 folds a log.
const REBUILD: &str = "rebuild";

/// What clients were answered with; empty when a stack is checked by hand.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Commands that were answered 2xx.
    pub commands: Vec<Acknowledged>,
    /// Click ids of answered redirects.
    pub clicks: Vec<String>,
    /// Messages that were made to stay in the retry queue (malformed, a stranger's, of unknown kinds), by message id.
    pub meant_for_retry_queue: Vec<Uuid>,
}

/// A command that was acknowledged to its sender.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// The command.
    pub id: Uuid,
    /// Who answered: the bff or the service itself; of an external producer's command the service that takes it.
    pub by: Service,
    /// With what.
    pub status: u16,
}

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// 1 to 10, as in the design.
    pub rule: u8,
    /// What is checked, as a sentence that should be true.
    pub check: &'static str,
    /// How many things the check looked at: none, and it shows nothing.
    pub looked_at: u64,
    /// How many of them are wrong.
    pub wrong: u64,
    /// The first of these; where nothing could be looked at, why.
    pub broken: Vec<String>,
}

impl Finding {
    /// Whether the rule held as far as was looked.
    pub fn holds(&self) -> bool {
        self.wrong == 0
    }

    /// Whether its records could not be had.
    pub fn could_not_look(&self) -> bool {
        self.holds() && !self.broken.is_empty()
    }
}

/// The rules, by number.
pub const RULES: [&str; 10] = [
    "One effect",
    "Nothing lost",
    "One transaction",
    "Order per subject and source",
    "An outage is not poison",
    "A command has one outcome",
    "State is the fold of the service's own events",
    "Same result by any transport",
    "Money is integers",
    "Time and ids are passed in",
];

/// Checks the records of a quiet stack against all rules. An error is a check that could not be made.
pub async fn check(records: &Records, journal: &Journal) -> Result<Vec<Finding>> {
    check_within(records, journal, QUIET_AGAIN_WITHIN).await
}

/// The same, of a stack that may move once more: its records are read as of a moment at which it is quiet, where there is one within this time.
pub async fn check_within(
    records: &Records,
    journal: &Journal,
    patience: Duration,
) -> Result<Vec<Finding>> {
    records.need_rebuild()?;
    let mut checker = Checker::new(records).await?.patient(patience);
    let found = checker.check(records, journal, &RULES_BY_NUMBER).await;
    let closed = checker.close().await;
    let found = found?;
    closed?;
    Ok(found)
}

const RULES_BY_NUMBER: [u8; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// A stack that was quiet a moment ago is again, but for what is broken.
const QUIET_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// A database for checks, one after the other.
pub struct Checker {
    scratch: scratch::Scratch,
    patience: Duration,
}

impl Checker {
    /// Makes the database, on the server that the records name for it.
    pub async fn new(records: &Records) -> Result<Self> {
        Ok(Self {
            scratch: scratch::Scratch::make(&records.scratch_url).await?,
            patience: Duration::ZERO,
        })
    }

    /// Waits so long for a moment at which the stack is quiet; else its records are those of now.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Checks only these rules.
    pub async fn check(
        &mut self,
        records: &Records,
        journal: &Journal,
        only: &[u8],
    ) -> Result<Vec<Finding>> {
        self.scratch.clear().await?;
        rules::all(&mut self.scratch, records, journal, only, self.patience).await
    }

    /// Removes the database.
    pub async fn close(self) -> Result<()> {
        self.scratch.remove().await
    }
}
