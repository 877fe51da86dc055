//! Prometheus, for the tests of what it is to scrape and to alert on.

use std::path::PathBuf;

use anyhow::Result;

use super::deploying::turn;
use super::{has, install};
use crate::layout::Layout;

/// A program of Prometheus: the one on the path, or that of Debian's package, which is fetched at the first call.
pub fn prometheus(layout: &Layout, program: &str) -> Result<PathBuf> {
    let _turn = turn();
    if has(program) {
        return Ok(program.into());
    }
    let home = layout.cache().join("prometheus");
    if !home.exists() {
        install::unpack(
            "Prometheus (tests run its rules)",
            "prometheus",
            "prometheus",
            &home,
        )?;
    }
    Ok(home.join("usr/bin").join(program))
}
