//! A Python of the tests' own, with the stock Pulsar client, the schemas of Kubernetes' API and a validator of
//! JSON Schema.

use std::fs;
use std::path::PathBuf;
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
    if !has("python3") {
        install(
            "Python 3 (tests read topics with the stock client, and check manifests)",
            "python3 python3-venv",
            "python",
        )?;
    }
    println!(
        "    making a Python environment with {}",
        PACKAGES.join(", ")
    );
    let make = || {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&home))
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
    run(Command::new(&program).args(pip).args(PACKAGES)).with_context(|| PACKAGES.join(", "))?;
    fs::write(done, "")?;
    Ok(program)
}
