//! `start.sh`: everything up.

use anyhow::Result;

use crate::infra;
use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::settings::{Mode, Settings};
use crate::tools;

/// Brings the stack up, or only its servers.
pub async fn run(
    layout: &Layout,
    mode: Option<Mode>,
    only_infra: bool,
    progress: Progress,
) -> Result<()> {
    let _lock = StackLock::take(layout)?;
    let mut settings = Settings::load(layout)?;
    if let Some(mode) = mode {
        settings.set_mode(mode);
    }
    let with_broker = settings.uses_broker()?;
    let step = progress.step("Tools");
    tools::ensure(with_broker)?;
    step.done("all here");
    infra::postgres(layout, &settings, &progress).await?;
    if with_broker {
        infra::broker(layout, &settings, &progress).await?;
    }
    if only_infra {
        return Ok(());
    }
    Ok(())
}
