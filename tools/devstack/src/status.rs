//! `tributary status`, `restart` and `cleanup`.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use schemas::Service;
use serde_json::Value;
use types::clock::Offset;

use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::services::{self, Program, Replica};
use crate::settings::Settings;
use crate::stack::{Process, connect, last_lines};
use crate::{runs, up};

/// What runs, how it is, and in which mode.
pub async fn status(layout: &Layout) -> Result<()> {
    let settings = up::as_started(layout)?;
    for (name, pid, address) in [
        (
            "postgres",
            layout.postgres_pid(),
            format!("127.0.0.1:{}", settings.need("POSTGRES_PORT")?),
        ),
        (
            "pulsar",
            layout.pulsar_pid(),
            settings.need("PULSAR_SERVICE_URL")?.to_owned(),
        ),
    ] {
        let process = Process::attach(&pid);
        row(
            name,
            process.as_ref(),
            &address,
            if process.is_some() { "running" } else { "-" },
        );
    }
    for program in Program::START_ORDER {
        let process = program.process(layout);
        let url = program.url(&settings)?;
        let how = match &process {
            Some(_) => answer_of(&program.ready_url(&settings)?).await,
            None if program.has_died(layout) => died(layout, program.name()),
            None => "-".to_owned(),
        };
        row(program.name(), process.as_ref(), url, &how);
    }
    for (name, url, process) in Replica::all(layout) {
        let how = match &process {
            Some(_) => answer_of(&format!("{url}/ready")).await,
            None => died(layout, &name),
        };
        row(&name, process.as_ref(), &url, &how);
    }
    for service in Service::with_topics() {
        println!(
            "{:<22} {}",
            format!("mode of {service}"),
            settings.mode(service)?.name()
        );
    }
    let clocks = Service::ALL.map(|service| test_clock(&settings, service));
    for (service, offset) in Service::ALL.into_iter().zip(join_all(clocks).await) {
        if let Some(offset) = offset {
            println!("{:<22} {offset}", format!("test clock of {service}"));
        }
    }
    Ok(())
}

/// How far a service's time is from real time, where somebody moved it.
async fn test_clock(settings: &Settings, service: Service) -> Option<Offset> {
    let url = settings.database_url(service).ok()?;
    let mut connection = connect(&url.parse().ok()?).await.ok()?;
    let offset =
        sqlx::query_scalar("SELECT clock_offset FROM pipeline.log_head WHERE clock_offset <> 0")
            .fetch_optional(&mut connection)
            .await;
    offset.ok().flatten().map(Offset)
}

fn died(layout: &Layout, name: &str) -> String {
    format!("DIED: {}", last_lines(&layout.log(name), 1))
}

fn row(name: &str, process: Option<&Process>, address: &str, how: &str) {
    let process = process.map_or_else(
        || "stopped".to_owned(),
        |process| format!("process {}", process.pid()),
    );
    println!("{name:<16} {process:<15} {address:<26} {how}");
}

async fn answer_of(url: &str) -> String {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build();
    let answer = match client {
        Ok(client) => client.get(url).send().await,
        Err(problem) => return problem.to_string(),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => {
            with_details(&answer.json().await.unwrap_or_default())
        }
        Ok(answer) => format!("NOT READY: {}", answer.text().await.unwrap_or_default()),
        Err(problem) => format!("no answer: {problem}"),
    }
}

/// What a service that is ready says all the same.
fn with_details(ready: &Value) -> String {
    let mut text = "ready".to_owned();
    for check in ready["checks"].as_array().into_iter().flatten() {
        if let (Some(name), Some(detail)) = (check["name"].as_str(), check["detail"].as_str()) {
            text = format!("{text}\n{:<33}{name}: {detail}", "");
        }
    }
    text
}

/// Builds, then stops one program and starts it again in the mode that the stack runs in.
pub async fn restart(layout: &Layout, name: &str, progress: Progress) -> Result<()> {
    let program = Program::parse(name)?;
    let _lock = StackLock::take(layout)?;
    let settings = up::as_started(layout)?;
    settings.check(layout)?;
    up::elsewhere::check(layout, &settings)?;
    // Every program: built alone, one would have its libraries with other features, and they would be compiled again.
    let built = up::build(layout, progress)?;
    services::restart(program, layout, &settings, &built, progress).await
}

/// Removes what is of no use any more: remains of test runs, old logs, half-made downloads.
pub fn cleanup(layout: &Layout, progress: Progress) -> Result<()> {
    let _lock = StackLock::take(layout)?;
    runs::sweep(&layout.tests(), true)?;
    let folders = [
        layout.state.join("logs"),
        layout.state.join("pulsar"),
        layout.state.join("bin"),
        layout.cache(),
    ];
    for entry in folders.iter().flat_map(fs::read_dir).flatten().flatten() {
        let path = entry.path();
        let stale = ["log.1", "new", "partial"]
            .iter()
            .any(|ending| path.to_string_lossy().ends_with(&format!(".{ending}")));
        if stale {
            progress.note(&format!("removing {}", path.display()));
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}
