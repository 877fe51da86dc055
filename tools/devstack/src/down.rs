//! `stop.sh`: everything down.

use std::fs;

use anyhow::Result;

use crate::infra;
use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::services::{Program, Replica};
use crate::stack::Postgres;

/// Stops what runs; with `wipe` removes data, logs and secrets too. What was downloaded stays.
pub fn run(layout: &Layout, wipe: bool, progress: Progress) -> Result<()> {
    let _lock = StackLock::take(layout)?;
    for name in Replica::stop_all(layout) {
        progress.note(&format!("{name}: stopped"));
    }
    for program in Program::START_ORDER.into_iter().rev() {
        if program.stop(layout) {
            progress.note(&format!("{}: stopped", program.name()));
        }
    }
    infra::stop(layout, &progress);
    if wipe {
        Postgres::wipe(&layout.state.join("postgres"))?;
        for folder in [
            "pulsar",
            "simulator",
            "logs",
            "run",
            "bin",
            "archive",
            "tls",
        ] {
            let folder = layout.state.join(folder);
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        let _never_made = fs::remove_file(layout.state.join("secrets.env"));
        progress.note("removed: data, archives, logs, binaries and secrets");
    }
    Ok(())
}
