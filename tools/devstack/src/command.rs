//! The commands of `./tributary` that bring the local stack of a clone up, look at it and take it down.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};

use crate::demo::Size;
use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::services::Replica;
use crate::settings::Mode;
use crate::{containers, database_page, down, logs, runs, status, up};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring everything up (what ./start.sh does)
    Up {
        /// The mode of all services; without it what .env says, else hybrid
        #[arg(long)]
        mode: Option<Mode>,
        /// Only a part
        #[arg(long)]
        only: Option<Part>,
        /// In containers, by docker-compose.yml, or in event mode docker-compose.event-driven.yml
        #[arg(long, conflicts_with = "only")]
        docker: bool,
        /// Also where the settings name databases on another machine: the services migrate them and write to them, and no demo
        /// data is loaded
        #[arg(long)]
        databases_elsewhere: bool,
        /// How much demo data is loaded
        #[arg(long, value_enum, default_value_t)]
        demo: Size,
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
    /// Logs of one program or of all (bff, campaign, tracking, commission, payment, notify, simulator, postgres, pulsar): readable
    /// on a terminal, as they are in a pipe
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
        /// bff, campaign, tracking, commission, payment, notify or simulator
        name: String,
    },
    /// Start one more process of a service on a free port, beside the first; ./stop.sh stops it
    Replica {
        /// bff, campaign, tracking, commission, payment or notify
        service: String,
    },
    /// Serve a page for the services' databases (Adminer, installed where it is missing) until Ctrl-C, on this machine only
    DatabasePage {
        /// Where it listens
        #[arg(long, default_value_t = database_page::PORT)]
        port: u16,
    },
    /// Remove remains of test runs, old logs and half-made downloads
    Cleanup,
    /// Load the demo data again and print what to try
    Demo {
        /// How much
        #[arg(value_enum, default_value_t)]
        size: Size,
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
}

/// A part of the stack.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Part {
    /// Postgres, the broker and what is provisioned there
    Infra,
}

impl Command {
    /// Does what was asked.
    pub async fn run(self) -> Result<ExitCode> {
        let layout = Layout::find();
        let progress = Progress;
        match self {
            Self::Up {
                mode,
                docker: true,
                databases_elsewhere,
                demo,
                ..
            } => containers::up(&layout, mode, databases_elsewhere, demo, progress).await?,
            Self::Up {
                mode,
                only,
                databases_elsewhere,
                demo,
                ..
            } => {
                let only_infra = only.is_some();
                up::run(
                    &layout,
                    mode,
                    only_infra,
                    databases_elsewhere,
                    demo,
                    progress,
                )
                .await?;
            }
            Self::Down { wipe, docker: true } => containers::down(&layout, wipe, progress)?,
            Self::Down { wipe, .. } => down::run(&layout, wipe, progress)?,
            Self::WithStack { broker, command } => {
                let mut words = command.into_iter();
                let mut program = tokio::process::Command::new(words.next().unwrap_or_default());
                program.args(words);
                return runs::with_stack(&layout, broker, program).await;
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
                let settings = up::as_started(&layout)?;
                up::elsewhere::check(&layout, &settings)?;
                let replica = Replica::start(service, &layout, &settings).await?;
                progress.note(&format!("{service}: one more at {}", replica.url));
            }
            Self::DatabasePage { port } => {
                database_page::serve(&layout, &up::as_started(&layout)?, port)?;
            }
            Self::Cleanup => status::cleanup(&layout, progress)?,
            Self::Demo { size } => {
                let built = layout.built("release");
                up::show_demo(size, &layout, &up::as_started(&layout)?, &built, progress).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
