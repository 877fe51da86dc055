//! The programs that the stack needs: found, installed where that is allowed, or named with the command to run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::stack::run;

mod adminer;
mod asyncapi;
mod chromium;
mod deploying;
mod install;
mod java;
mod node;
mod prometheus;
mod python;

pub use adminer::adminer;
pub use asyncapi::asyncapi_schema;
pub use chromium::chromium;
pub use deploying::{docker_compose, kustomize};
pub use install::install;
pub use java::{AvroTools, avro_tools};
pub use node::{Node, node, node_for_console};
pub use prometheus::prometheus;
pub use python::python;

/// A Java runtime that can run the broker.
#[derive(Clone, Debug)]
pub struct Java {
    /// The `java` program.
    pub program: PathBuf,
    /// 17 or later.
    pub major: u32,
}

/// Oldest Postgres that the services support.
const OLDEST_POSTGRES: u32 = 15;
const OLDEST_JAVA: u32 = 17;

/// The server programs of Postgres.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostgresPrograms {
    /// The major version; data of one is no use to another.
    pub major: u32,
    /// The folder with `postgres` and `initdb`.
    pub bin: PathBuf,
}

/// The programs for data of this major version, or the newest for new data.
pub fn postgres(data_major: Option<u32>) -> Result<PostgresPrograms> {
    let wanted =
        |programs: &PostgresPrograms| data_major.is_none_or(|major| programs.major == major);
    find_postgres().into_iter().filter(wanted).max().with_context(|| match data_major {
        None => "no PostgreSQL server programs (15 or later); run ./start.sh, which fetches them".to_owned(),
        Some(major) => format!(
            "the data here was made by PostgreSQL {major}, which is not installed any more: install it, or \
             ./stop.sh --wipe removes the data"
        ),
    })
}

/// Debian's, Homebrew's, what `pg_config` says and what we fetched: all that are new enough.
fn find_postgres() -> Vec<PostgresPrograms> {
    ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path().join("bin"))
        .chain(pg_config())
        .chain([install::embedded_postgres()])
        .filter_map(|bin| {
            Some(PostgresPrograms {
                major: postgres_major(&bin)?,
                bin,
            })
        })
        .filter(|programs| programs.major >= OLDEST_POSTGRES)
        .collect()
}

fn pg_config() -> Option<PathBuf> {
    run(Command::new("pg_config").arg("--bindir"))
        .ok()
        .map(|path| PathBuf::from(path.trim()))
}

fn postgres_major(bin: &Path) -> Option<u32> {
    let server = bin.join("postgres");
    if !server.is_file() || !bin.join("initdb").is_file() {
        return None;
    }
    let version = run(Command::new(server).arg("--version")).ok()?; // postgres (PostgreSQL) 15.18 (Debian ...)
    leading_number(version.split_whitespace().nth(2)?)
}

/// `JAVA_HOME`, then `java` on the path, then the newest under the system's folder: the first that is 17 or later.
pub fn java() -> Result<Java> {
    find_java().context("no Java 17 or later: the broker needs one; run ./start.sh, or apt-get install openjdk-17-jre-headless")
}

/// Like [`java`], but an absence is no error.
pub fn find_java() -> Option<Java> {
    let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    let preferred: Vec<PathBuf> = home.into_iter().chain([PathBuf::from("java")]).collect();
    let usable = |program: PathBuf| {
        let major = java_major(&program).filter(|major| *major >= OLDEST_JAVA)?;
        Some(Java { program, major })
    };
    preferred.into_iter().find_map(usable).or_else(|| {
        let folders = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
        let found = folders.filter_map(|entry| usable(entry.path().join("bin/java")));
        found.max_by_key(|java| java.major)
    })
}

fn java_major(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("-version").output().ok()?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    leading_number(stderr.split('"').nth(1)?) // openjdk version "17.0.15" 2025-04-15
}

fn leading_number(text: &str) -> Option<u32> {
    text.split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Is this program on the path?
pub fn has(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// Everything that a stack with (or without) a broker needs beside what built this program, installed if missing.
pub fn ensure(with_broker: bool) -> Result<()> {
    if find_postgres().is_empty() {
        install::postgres()?;
    }
    if with_broker && find_java().is_none() {
        install(
            "Java 17 or later (for the broker)",
            "openjdk-17-jre-headless",
            "openjdk@17",
        )?;
    }
    if with_broker && !install::pulsar_is_here() {
        if !has("mvn") {
            install("Maven (it fetches the broker)", "maven", "maven")?;
        }
        install::fetch_pulsar()?;
    }
    if with_broker && find_java().is_none() {
        bail!("still no Java 17 or later: set JAVA_HOME to one");
    }
    Ok(())
}

/// The folder with Pulsar's jars.
pub fn pulsar_home() -> Result<PathBuf> {
    install::find_pulsar()
        .context("the broker's jars are not here yet; run ./start.sh, which fetches them")
}
