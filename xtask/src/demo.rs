//! The demo people, loaded through the bff's public interface as a client would.

use anyhow::Result;

use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::Settings;

/// Loads the demo data and prints what to try first.
#[expect(clippy::unused_async, reason = "will talk HTTP")]
pub async fn load_and_tell(
    _layout: &Layout,
    _settings: &Settings,
    _progress: Progress,
) -> Result<()> {
    Ok(())
}
