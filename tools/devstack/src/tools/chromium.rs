//! A browser.

use anyhow::{Context, Result};

use super::deploying::turn;
use super::{has, install};

/// What it is called, by Debian and others.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A Chromium in the path, installed where there is none; its program's name.
pub fn chromium() -> Result<&'static str> {
    let _turn = turn();
    let find = || NAMES.into_iter().find(|name| has(name));
    if let Some(name) = find() {
        return Ok(name);
    }
    install(
        "Chromium, whose pages call the API",
        "chromium",
        "--cask chromium",
    )?;
    find().context("Chromium was installed and is not in the path")
}
