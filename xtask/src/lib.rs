//! What the project does with itself: the run of its tests, what its dependencies are held against, and a service more.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

pub mod dependencies;
pub mod new_service;
pub mod test_run;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use devstack::layout::Layout;
use devstack::progress::Progress;

use new_service::NewService;

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
    /// Begin a service: its folder, and a row wherever services are listed
    NewService {
        /// Of folder, crate, program and database: lower-case letters
        name: String,
        /// Where it listens; its second port is a thousand above
        port: u16,
        /// A sentence that says what it is for
        about: String,
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
            Command::NewService { name, port, about } => {
                let service = NewService { name, port, about };
                for path in service.write(&Layout::find().root)? {
                    println!("{path}");
                }
                Progress.note(new_service::NEXT);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
