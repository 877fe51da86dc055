//! `./tributary` and `cargo xtask`: the local stack's control command. `start.sh`, `stop.sh` and `test.sh` call it too.
#![allow(clippy::print_stderr, reason = "a command line tool")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use xtask::check::CheckCommand;
use xtask::layout::Layout;
use xtask::lock::StackLock;
use xtask::progress::Progress;
use xtask::services::Replica;
use xtask::settings::Mode;
use xtask::tail::{self, Tail};
use xtask::{
    bench, containers, dependencies, down, drill, logs, operate, planted, producers, provision,
    status, test_run, up,
};

#[cfg(test)]
mod documented;

static VERSION: LazyLock<String> = LazyLock::new(|| variables::version!().to_string());

#[derive(Parser)]
#[command(
    name = "tributary",
    bin_name = "./tributary",
    about = "Runs and looks after the local stack of this clone",
    version = VERSION.as_str()
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring everything up (what ./start.sh does)
    Up {
        /// The mode of all four services; without it what .env says, else hybrid
        #[arg(long)]
        mode: Option<Mode>,
        /// Only a part
        #[arg(long)]
        only: Option<Part>,
        /// In containers, by docker-compose.yml, or in event mode docker-compose.event-driven.yml
        #[arg(long, conflicts_with = "only")]
        docker: bool,
    },
    /// Stop everything (what ./stop.sh does)
    Down {
        /// Also remove all data, logs and secrets
        #[arg(long)]
        wipe: bool,
        /// The containers that ./start.sh --docker started; with --wipe their volumes go too, .env stays
        #[arg(long)]
        docker: bool,
    },
    /// What runs, how it is and in which mode
    Status,
    /// Logs of one program or of all (bff, campaign, tracking, commission, payment, simulator, postgres, pulsar): readable on a
    /// terminal, as they are in a pipe
    Logs {
        /// One of them
        name: Option<String>,
        /// Go on as lines come
        #[arg(short, long)]
        follow: bool,
        /// The last so many lines
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: usize,
    },
    /// Build, then restart one program and its further processes
    Restart {
        /// bff, campaign, tracking, commission, payment or simulator
        name: String,
    },
    /// Start one more process of a service on a free port, beside the first; ./stop.sh stops it
    Replica {
        /// bff, campaign, tracking, commission or payment
        service: String,
    },
    /// Plant faults in debug builds of the services, and see each one caught by the check of its rule
    Planted(planted::Planted),
    /// Print what a shell needs to complete this command's words, such as: ./tributary completions bash > tributary.bash
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Remove remains of test runs, old logs and half-made downloads
    Cleanup,
    /// Load the demo data again and print what to try
    Demo,
    /// Show a topic's messages, one line of JSON each
    Tail(Tail),
    /// Make a key for an external producer and print it, once
    ProducerKey(producers::ProducerKey),
    /// Make a durable subscription for somebody else's system that follows events, let it consume where the broker asks for
    /// tokens, and print what it needs
    Follower(provision::Follower),
    /// Print a bearer token: passes its arguments to the bff's generate-jwt
    #[command(disable_help_flag = true)]
    Token {
        /// Such as --help
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Formatting, lints and tests against servers of their own (what ./test.sh does)
    Test {
        /// Only this crate's tests, without formatting and lints
        krate: Option<String>,
        /// Only tests whose names contain this
        name: Option<String>,
    },
    /// Run a command with a Postgres of its own, named to it by the variables that tests read
    WithStack {
        /// And a broker
        #[arg(long)]
        broker: bool,
        /// The command, after --
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Make topics, subscriptions, policies and schemas at the broker that the variables name, and tell what its
    /// administrator has to do. Exits with 1 when something needed is missing, with 3 when it could not be seen
    Provision(provision::Provision),
    /// Check the books of the running local stack against the ten rules (docs/rules.md)
    Check(CheckCommand),
    /// Renew the checked-in advisories that the dependencies are held against
    Advisories {
        /// A git folder of github.com/rustsec/advisory-db
        #[arg(long)]
        from: PathBuf,
    },
    /// Break a stack of its own in every way, then check its books
    Drill(drill::Drill),
    /// Measure the running local stack
    Bench {
        #[command(subcommand)]
        what: Benchmark,
    },
    #[command(flatten)]
    Operate(operate::Noun),
}

#[derive(Clone, Subcommand)]
enum Benchmark {
    /// Purchases from the tracking command topic to the ledger: throughput, latency, CPU, memory, WAL
    Pipeline(bench::Bench),
    /// People's requests while a backlog is worked off, on a stack of its own
    Backlog(bench::backlog::Backlog),
    /// Others' requests while one token begins many and does not go on, on a stack of its own
    Starvation(bench::starvation::Starvation),
    /// The broker killed for a while under load, on a stack of its own
    Outage(bench::outage::Outage),
    /// The pipeline of two builds in turn, each on a stack of its own
    Compare(bench::compare::Compare),
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Postgres, the broker and what is provisioned there
    Infra,
}

fn main() -> ExitCode {
    end_quietly_when_nobody_reads();
    match Arguments::parse().command.run() {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("\nerror: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

/// As with `| head`: what is printed then goes nowhere, and is no fault.
fn end_quietly_when_nobody_reads() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.to_string().contains("Broken pipe") {
            std::process::exit(0);
        }
        told(panic);
    }));
}

impl Command {
    #[tokio::main(flavor = "current_thread")]
    async fn run(self) -> Result<ExitCode> {
        let layout = Layout::find();
        let progress = Progress;
        let command = match self {
            Self::Drill(drill) if !drill.planted.is_empty() => Self::Planted(drill.planted.into()),
            command => command,
        };
        match command {
            Self::Up {
                mode, docker: true, ..
            } => containers::up(&layout, mode, progress).await?,
            Self::Up { mode, only, .. } => {
                up::run(&layout, mode, only.is_some(), progress).await?;
            }
            Self::Down { wipe, docker: true } => containers::down(&layout, wipe, progress)?,
            Self::Down { wipe, .. } => down::run(&layout, wipe, progress)?,
            Self::Test { krate, name } => {
                return test_run::run(&layout, krate.as_deref(), name.as_deref()).await;
            }
            Self::WithStack { broker, command } => {
                let mut words = command.into_iter();
                let mut program = tokio::process::Command::new(words.next().unwrap_or_default());
                program.args(words);
                return test_run::with_stack(&layout, broker, program).await;
            }
            Self::Status => status::status(&layout).await?,
            Self::Logs {
                name,
                follow,
                lines,
            } => logs::show(&layout, name.as_deref(), lines, follow)?,
            Self::Restart { name } => status::restart(&layout, &name, progress).await?,
            Self::Replica { service } => {
                let service = schemas::Service::parse(&service)
                    .with_context(|| format!("there is no service {service}"))?;
                let _lock = StackLock::take(&layout)?;
                let replica = Replica::start(service, &layout, &up::as_started(&layout)?).await?;
                progress.note(&format!("{service}: one more at {}", replica.url));
            }
            Self::Planted(planted) => {
                if !Box::pin(planted::command(&layout, &planted, progress)).await? {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Self::Completions { shell } => {
                let mut command = Arguments::command();
                clap_complete::generate(shell, &mut command, "tributary", &mut std::io::stdout());
            }
            Self::Cleanup => status::cleanup(&layout, progress)?,
            Self::Demo => {
                let built = layout.built("release");
                up::show_demo(&layout, &up::as_started(&layout)?, &built, progress).await?;
            }
            Self::Check(check) => {
                if !check.run(&layout).await? {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Self::Tail(tail) => tail::run(&up::as_started(&layout)?, &tail).await?,
            Self::ProducerKey(producer) => producer.run()?,
            Self::Follower(follower) => return follower.run(&layout, progress).await,
            Self::Token { arguments } => status::token(&layout, &arguments)?,
            Self::Bench {
                what: Benchmark::Backlog(backlog),
            } => bench::backlog::run(&layout, backlog, progress).await?,
            Self::Bench {
                what: Benchmark::Starvation(attack),
            } => bench::starvation::run(&layout, attack, progress).await?,
            Self::Bench {
                what: Benchmark::Outage(outage),
            } => bench::outage::run(&layout, outage, progress).await?,
            Self::Bench {
                what: Benchmark::Compare(compare),
            } => bench::compare::run(&layout, compare, progress).await?,
            Self::Bench {
                what: Benchmark::Pipeline(figures),
            } => {
                let settings = up::as_started(&layout)?;
                let built = layout.built("release");
                let tokens = status::GenerateJwt::new(&layout, &settings, &built);
                bench::pipeline(&layout, &settings, &tokens, figures, progress).await?;
            }
            Self::Operate(noun) => Box::pin(operate::run(&layout, noun)).await?,
            Self::Advisories { from } => progress.note(&dependencies::snapshot(&from)?),
            Self::Drill(drill) => {
                if drill.built == "release" {
                    up::build(&layout, progress)?;
                }
                let holds = drill::command(&layout, &drill).await?;
                return Ok(ExitCode::from(u8::from(!holds)));
            }
            Self::Provision(provision) => return provision.run(&layout, progress).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}
