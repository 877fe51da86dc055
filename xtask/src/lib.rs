//! What the project does with itself: the run of its tests, and what its dependencies are held against.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

pub mod dependencies;
pub mod test_run;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use devstack::layout::Layout;
use devstack::progress::Progress;

/// The words of the command line.
#[derive(Debug, Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    about = "The project's own chores"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Formatting, lints and tests against servers of their own (what ./test.sh does)
    Test {
        /// Only this crate's tests, without formatting and lints
        krate: Option<String>,
        /// Only tests whose names contain this
        name: Option<String>,
    },
    /// Renew the checked-in advisories that the dependencies are held against
    Advisories {
        /// A git folder of github.com/rustsec/advisory-db
        #[arg(long)]
        from: PathBuf,
    },
}

impl Arguments {
    /// Does what was asked.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Test { krate, name } => {
                test_run::run(&Layout::find(), krate.as_deref(), name.as_deref()).await
            }
            Command::Advisories { from } => {
                Progress.note(&dependencies::snapshot(&from)?);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
