//! `cargo chaos`: its words.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::{terminal, up};

use crate::faults::{self, Faults};
use crate::{RunOptions, command};

/// The words of the command line.
#[derive(Debug, Parser)]
#[command(
    name = "chaos",
    bin_name = "cargo chaos",
    about = "Breaks a stack of its own, then checks its records"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Break a stack of its own in every way, then check its records
    Run(RunOptions),
    /// Inject faults in debug builds of the services, and see each one caught by the check of its rule
    Faults(Faults),
}

impl Arguments {
    /// Does what was asked; 1 when a rule is broken, or a fault is not caught.
    pub async fn run(self) -> Result<ExitCode> {
        let layout = Layout::find();
        let holds = match self.command {
            Command::Run(options) => {
                if options.built == "release" {
                    up::build(&layout, Progress)?;
                }
                command(&layout, &options).await?
            }
            Command::Faults(faults) => {
                Box::pin(faults::command(&layout, &faults, Progress)).await?
            }
        };
        Ok(terminal::holds(holds))
    }
}
