//! What checks the files that the stack is deployed by.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use super::{has, install};
use crate::layout::Layout;
use crate::stack::run;

/// Rendering has not changed since for what we use, and this one Debian 12's Go still builds.
const KUSTOMIZE: &str = "v5.0.3";

/// Tests of one process begin side by side, and each wants the tool: the first brings it.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Lets one in at a time, until what it returns goes.
pub(super) fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `docker-compose`, which reads compose files also where there is no engine.
pub fn docker_compose() -> Result<()> {
    let _turn = turn();
    if has("docker-compose") {
        return Ok(());
    }
    install(
        "docker-compose (tests read the compose files with it)",
        "docker-compose",
        "docker-compose",
    )
}

/// The program `kustomize`, built by Go's own tool at the first call.
pub fn kustomize(layout: &Layout) -> Result<PathBuf> {
    let _turn = turn();
    let folder = layout.cache().join(format!("kustomize-{KUSTOMIZE}"));
    let program = folder.join("kustomize");
    if program.exists() {
        return Ok(program);
    }
    if !has("go") {
        install(
            "Go (it builds kustomize, which renders the Kubernetes manifests)",
            "golang-go",
            "go",
        )?;
    }
    println!("    building kustomize {KUSTOMIZE}");
    let work = folder.with_file_name(format!(
        "kustomize-{KUSTOMIZE}.{}.partial",
        std::process::id()
    ));
    fs::create_dir_all(&work)?;
    let module = format!("sigs.k8s.io/kustomize/kustomize/v5@{KUSTOMIZE}");
    run(Command::new("go")
        .args(["install", &module])
        .env("GOBIN", &work))
    .context("go install")?;
    fs::create_dir_all(&folder)?;
    fs::rename(work.join("kustomize"), &program)?;
    fs::remove_dir_all(work)?;
    Ok(program)
}
