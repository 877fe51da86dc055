//! A Python of the tests' own, with the packages that `python.txt` pins: the stock Pulsar client, the schemas of
//! Kubernetes' API, a validator of JSON Schema, and what makes and tries clients by an `OpenAPI` document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{has, install};
use crate::layout::Layout;
use crate::stack::{hex, run};

/// Every package with its version, made from `python.in`.
const PINNED: &str = include_str!("python.txt");

/// The interpreter, in a virtual environment that is made at the first call.
pub fn python(layout: &Layout) -> Result<PathBuf> {
    // Other versions make another folder.
    let digest = hex(&Sha256::digest(PINNED));
    let name = format!("python-{}", &digest[..16]);
    let home = layout.cache().join(&name);
    let program = home.join("bin/python");
    let done = home.join("complete");
    if done.exists() {
        return Ok(program);
    }
    println!("    making a Python environment for tests");
    fs::create_dir_all(layout.cache())?;
    let pinned = layout.cache().join(format!("{name}.txt"));
    fs::write(&pinned, PINNED)?;
    let pinned = pinned.to_str().context("a path that is text")?;
    environment(&home, &["--requirement", pinned])?;
    fs::write(done, "")?;
    Ok(program)
}

/// Makes a virtual environment with these packages, as pip's arguments name them.
pub(super) fn environment(home: &Path, packages: &[&str]) -> Result<()> {
    if !has("python3") {
        install(
            "Python 3 (tests have packages of its registry)",
            "python3 python3-venv",
            "python",
        )?;
    }
    let make = || {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(home))
    };
    make()
        .or_else(|_| {
            install("Python's venv module", "python3-venv", "python")?;
            make()
        })
        .context("python3 -m venv")?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--timeout",
        "60",
    ];
    let program = home.join("bin/python");
    run(Command::new(program).args(pip).args(packages)).with_context(|| packages.join(", "))?;
    Ok(())
}
