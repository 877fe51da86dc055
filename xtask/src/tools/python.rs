//! A Python of the tests' own, with the stock Pulsar client, the schemas of Kubernetes' API and a validator of
//! JSON Schema.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{has, install};
use crate::layout::Layout;
use crate::stack::run;

/// What tests need; the versions are part of the folder's name, so a change makes a new one.
const PACKAGES: &[&str] = &[
    "pulsar-client[avro]==3.13.0",
    "kubernetes-validate==1.37.0",
    "jsonschema==4.26.0",
];
const FOLDER: &str = "python-pulsar-3.13.0-kubernetes-1.37.0-jsonschema-4.26.0";

/// The interpreter, in a virtual environment that is made at the first call.
pub fn python(layout: &Layout) -> Result<PathBuf> {
    let home = layout.cache().join(FOLDER);
    let program = home.join("bin/python");
    let done = home.join("complete");
    if done.exists() {
        return Ok(program);
    }
    println!(
        "    making a Python environment with {}",
        PACKAGES.join(", ")
    );
    environment(&home, PACKAGES)?;
    fs::write(done, "")?;
    Ok(program)
}

/// Makes a virtual environment with these packages.
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
