//! Starting programs and waiting for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{Program, Replica, spawn};
use crate::binaries::{is_same, link_or_copy};
use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::{Settings, host_and_port};
use crate::stack::{check_free, holder, last_lines};

const READY_WITHIN: Duration = Duration::from_secs(90);

/// Starts every program of which `built` has a binary and that does not run yet with this very binary and
/// environment; waits until each is ready.
pub async fn start(
    layout: &Layout,
    settings: &Settings,
    built: &Path,
    progress: Progress,
) -> Result<()> {
    for folder in ["run", "logs", "bin", "simulator"] {
        fs::create_dir_all(layout.state.join(folder))?;
    }
    let mut programs = Vec::new();
    for program in Program::START_ORDER {
        let name = program.name();
        if !program.is_ours(settings)? {
            program.stop(layout);
            let url = program.url(settings)?;
            progress.note(&format!("{name}: not started, {url} is somebody else's"));
        } else if !built.join(name).exists() {
            progress.note(&format!("{name}: not built yet, so not started"));
        } else {
            programs.push(program);
        }
    }
    for program in &programs {
        give_way(*program, layout, settings)?;
        start_one(*program, layout, settings, built, progress).await?;
    }
    for program in programs {
        wait_for(program, &program.ready_url(settings)?, layout).await?;
    }
    Replica::renew(layout, settings, None, progress).await
}

/// Stops those of ours that hold a port of this program's. They are to move elsewhere in their turn, which comes later.
fn give_way(program: Program, layout: &Layout, settings: &Settings) -> Result<()> {
    for (_, port) in program.ports(settings)? {
        let holder = holder(port).and_then(|holder| Program::of(holder.pid?, layout));
        if let Some(other) = holder.filter(|other| *other != program) {
            other.stop(layout);
        }
    }
    Ok(())
}

/// Stops one program and starts it again; when it is ready, its further processes too, one after the other.
pub async fn restart(
    program: Program,
    layout: &Layout,
    settings: &Settings,
    built: &Path,
    progress: Progress,
) -> Result<()> {
    ensure!(
        program.is_ours(settings)?,
        "{} is not ours to run: {} is somebody else's",
        program.name(),
        program.url(settings)?
    );
    program.stop(layout);
    start_one(program, layout, settings, built, progress).await?;
    wait_for(program, &program.ready_url(settings)?, layout).await?;
    Replica::renew(layout, settings, Some(program), progress).await
}

/// Starts one program unless it runs as it should already.
pub async fn start_one(
    program: Program,
    layout: &Layout,
    settings: &Settings,
    built: &Path,
    progress: Progress,
) -> Result<()> {
    let files = program.files(layout);
    let source = built.join(program.name());
    let variables = program.environment(layout, settings)?;
    let stamp = stamp(&variables);
    if program.process(layout).is_some() {
        if fs::read_to_string(&files.stamp).is_ok_and(|running| running == stamp)
            && is_same(&source, &files.binary)
        {
            progress.note(&format!("{}: unchanged", program.name()));
            return Ok(());
        }
        program.stop(layout);
    }
    let url = program.url(settings)?;
    let (_, port) = host_and_port(url)?;
    let remedy = format!("give {} another address in .env", program.name());
    check_free(port, program.name(), &remedy)?;
    // A file of its own, moved into place: building again never touches it. The same one stays, by which its further processes know
    // that nothing changed for them.
    if !is_same(&source, &files.binary) {
        let new = files.binary.with_extension("new");
        let _left_over = fs::remove_file(&new);
        link_or_copy(&source, &new)?;
        fs::rename(&new, &files.binary)?;
    }
    let process = spawn(&files.binary, &variables, layout, &files.log, &files.pid)?;
    fs::write(&files.stamp, stamp)?;
    wait_for(program, &format!("{url}/health"), layout).await?;
    progress.note(&format!(
        "{}: started at {url} (process {})",
        program.name(),
        process.pid()
    ));
    Ok(())
}

/// Of the variables; the binary is compared with the copy that runs.
pub(super) fn stamp(variables: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    for (name, value) in variables {
        digest.update(format!("{name}={value}\0"));
    }
    crate::stack::hex(&digest.finalize())
}

async fn wait_for(program: Program, url: &str, layout: &Layout) -> Result<()> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()?;
    let end = Instant::now() + READY_WITHIN;
    let (name, log) = (program.name(), program.files(layout).log);
    loop {
        let answer = match client.get(url).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(problem) => problem.to_string(),
        };
        if program.process(layout).is_none() {
            bail!(
                "{name} ended. Its last words:\n{}\n  The whole log: {}. Mend what it says, then ./start.sh again.",
                last_lines(&log, 4),
                log.display()
            );
        }
        if Instant::now() >= end {
            bail!(
                "{name} runs, but {url} does not answer 200 after {READY_WITHIN:?}; it says: {answer}\n  Last line of {}:\n{}",
                log.display(),
                last_lines(&log, 1)
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
}
