//! A stack of the benchmark's own, for what would be rude to do to the local one.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::feed::Feed;
use super::ledger::Ledger;
use super::people::{self, People};
use devstack::local::{LocalStack, UNLIMITED};
use devstack::progress::Progress;
use devstack::settings::Mode;

/// The folder of the release binaries, which must be there.
pub fn built(layout: &devstack::layout::Layout, given: Option<&Path>) -> Result<PathBuf> {
    let folder = given.map_or_else(|| layout.built("release"), Path::to_path_buf);
    if !folder.join("bff").exists() {
        bail!(
            "{} has no services: cargo build --release first",
            folder.display()
        );
    }
    Ok(folder)
}

/// Starts one in hybrid mode with the benchmark's people in it.
pub async fn start(built: &Path, progress: Progress) -> Result<(LocalStack, People)> {
    progress.note("a stack of its own, with campaign, partners, links and clicks");
    let stack = LocalStack::start_built(Mode::Hybrid, built.to_owned(), &UNLIMITED).await?;
    let people = people::prepare(stack.settings(), &stack).await?;
    Ok((stack, people))
}

/// The way in at the command topic, and the ledger at the other end.
pub async fn ends(stack: &LocalStack, people: People) -> Result<(Feed, Ledger)> {
    let feed = Feed::open(stack.settings(), people).await?;
    Ok((feed, Ledger::open(stack.settings()).await?))
}
