//! `tributary`: the command line of operators and users. Operators look at a stack and act upon it through the bff's HTTP API; what
//! brokers and databases need before services start is provisioned here, so it is the tool that an image carries. In a clone it
//! is `./tributary`, and runs the local stack too.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool: it talks to a person and takes its settings from the environment"
)]

mod console;
mod operate;
mod publish;
mod tail;

use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::{producers, provision, settings, token, up};

use invariants::Check;

use tail::Tail;

static VERSION: LazyLock<String> = LazyLock::new(|| variables::version!().to_string());

/// The words of the command line.
#[derive(Debug, Parser)]
#[command(
    name = "tributary",
    bin_name = "./tributary",
    about = "Runs and looks after the local stack of this clone, and does what operators do",
    version = VERSION.as_str()
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a shell needs to complete this command's words, such as: ./tributary completions bash > tributary.bash
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Show a topic's messages, one line of JSON each
    Tail(Tail),
    /// Send a command by the broker as a brand's own system does, and show what comes of it
    Publish(publish::Publish),
    /// Make a key for an external producer and print it, once
    ProducerKey(producers::ProducerKey),
    /// Make a durable subscription for somebody else's system that follows events, let it consume where the broker asks for
    /// tokens, and print what it needs
    Follower(provision::Follower),
    /// Print where the console is, and open it where there is a browser
    Console(console::Console),
    /// Print a bearer token: passes its arguments to the bff's generate-jwt
    #[command(disable_help_flag = true)]
    Token {
        /// Such as --help
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Make topics, subscriptions, policies and schemas at the broker that the variables name, and report what its
    /// administrator has to do. Exits with 1 when something needed is missing, with 3 when it could not be seen
    Provision(provision::Provision),
    /// Make the secrets of the compose files' containers that the environment does not give, once, and hand each out to those
    /// that need it
    Secrets(settings::Secrets),
    /// Check the records of the running local stack against the ten rules (docs/rules.md)
    Check(Check),
    #[command(flatten)]
    Operate(operate::Noun),
    #[command(flatten)]
    Devstack(devstack::command::Command),
}

impl Arguments {
    /// Does what was asked.
    pub async fn run(self) -> Result<ExitCode> {
        let layout = Layout::find();
        match self.command {
            Command::Completions { shell } => {
                let mut command = Self::command();
                clap_complete::generate(shell, &mut command, "tributary", &mut std::io::stdout());
            }
            Command::Tail(tail) => tail::run(&up::as_started(&layout)?, &tail).await?,
            Command::Publish(publish) => publish::run(&up::as_started(&layout)?, publish).await?,
            Command::ProducerKey(producer) => producer.run()?,
            Command::Follower(follower) => return follower.run(&layout, Progress).await,
            Command::Console(console) => console.run(|| up::as_started(&layout))?,
            Command::Token { arguments } => token::token(&layout, &arguments)?,
            Command::Provision(provision) => return provision.run(&layout, Progress).await,
            Command::Secrets(secrets) => secrets.run()?,
            Command::Check(check) => return check.run().await,
            Command::Devstack(command) => return Box::pin(command.run()).await,
            Command::Operate(noun) => Box::pin(operate::run(&layout, noun)).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
