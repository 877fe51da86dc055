//! What the build brings in: no licence but those listed, no crate twice without a reason, no version with a known
//! advisory. `deny.toml` says the same to those who have cargo-deny.

mod advisories;
mod duplicates;
mod licences;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub use advisories::snapshot;

/// What is built and checked: other platforms' crates are never fetched here.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// A crate of the lock file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
    /// Its licence as it says itself, an SPDX expression.
    pub licence: Option<String>,
}

/// Everything that is wrong with what a workspace depends on, a line for each.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let packages = packages(root)?;
    let mut problems = licences::problems(&packages);
    problems.extend(duplicates::problems(&packages, duplicates::ALLOWED));
    problems.extend(advisories::problems(
        &packages,
        &advisories::read()?,
        advisories::ACCEPTED,
    ));
    Ok(problems)
}

/// Crates from registries, as they are locked.
pub fn packages(root: &Path) -> Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--filter-platform", PLATFORM])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    let refusal = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "cargo metadata: {refusal}");
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let third_party = packages
        .iter()
        .filter(|package| !package["source"].is_null());
    third_party.map(package).collect()
}

fn package(json: &Value) -> Result<Package> {
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    Ok(Package {
        name: text("name").context("a package without a name")?,
        version: text("version")
            .context("a package without a version")?
            .parse()?,
        licence: text("license"),
    })
}
