//! `tributary provision`.

use std::process::ExitCode;

use anyhow::Result;

use super::Mode;
use crate::infra::{self, Provisioned};
use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::settings::Settings;

/// Exit code when something needed could not be seen.
const UNSEEN: u8 = 3;

/// What to provision, and what to take for granted.
#[derive(Clone, Debug, clap::Args)]
pub struct Provision {
    /// Before that each service's role and database, at the Postgres of `POSTGRES_ADMIN_URL`
    #[arg(long, conflicts_with = "verify")]
    databases: bool,
    /// Change nothing
    #[arg(long)]
    verify: bool,
    /// Take what could not be seen for granted
    #[arg(long)]
    accept_unseen: bool,
}

impl Provision {
    /// Does it, where a service uses a broker; the exit code says whether the services can run there.
    pub async fn run(&self, layout: &Layout, progress: Progress) -> Result<ExitCode> {
        // In an image nobody else is at work, and nothing can be written.
        let _lock = layout
            .is_clone()
            .then(|| StackLock::take(layout))
            .transpose()?;
        let settings = Settings::load(layout)?;
        if self.databases {
            infra::databases(&settings, &progress).await?;
        }
        if !settings.uses_broker()? {
            progress.note(
                "every <SERVICE>_SERVICE_MODE is http, so no service uses a broker: nothing is to be made at one",
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mode = if self.verify {
            Mode::Verify
        } else {
            Mode::Change
        };
        let provisioned = infra::provision(layout, &settings, mode, &progress).await?;
        Ok(match provisioned {
            Provisioned::Whole => ExitCode::SUCCESS,
            Provisioned::Unseen if self.accept_unseen => ExitCode::SUCCESS,
            Provisioned::Unseen => ExitCode::from(UNSEEN),
            Provisioned::Lacking => ExitCode::FAILURE,
        })
    }
}
