//! Passwords and keys of the local stack, made once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use schemas::Service;

use super::{Settings, variable};
use crate::producers;
use crate::stack::random_hex;

/// What the compose files' containers keep secret.
pub fn compose_secrets() -> Vec<String> {
    let passwords = Service::ALL.map(|service| variable(service, "DB_PASSWORD"));
    let others = [
        "POSTGRES_PASSWORD",
        "JWT_SECRET_KEY",
        "INTERNAL_SECRET_KEY",
        "PAYMENT_DATA_KEY",
    ];
    passwords
        .into_iter()
        .chain(others.map(str::to_owned))
        .collect()
}

/// Adds to the file what it lacks; what it has stays, since data depends on it.
pub(super) fn make(file: &Path) -> Result<()> {
    let kept = kept(file)?;
    let missing = compose_secrets()
        .into_iter()
        .chain(["PULSAR_SECRET_KEY".to_owned()]);
    let mut made = Vec::new();
    for name in missing.filter(|name| kept.get(name).is_none()) {
        made.push((name, random_hex(32)?));
    }
    if kept.get(producers::VARIABLE).is_none() {
        made.push((producers::VARIABLE.to_owned(), producers::local()?));
    }
    append(file, &made)
}

fn kept(file: &Path) -> Result<Settings> {
    if file.exists() {
        Settings::read(file)
    } else {
        Ok(Settings::default())
    }
}

fn append(file: &Path, lines: &[(String, String)]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(file.parent().context("a folder")?)?;
    let unended = fs::read(file).is_ok_and(|text| text.last().is_some_and(|byte| *byte != b'\n'));
    let mut out = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    if unended {
        writeln!(out)?;
    }
    for (name, value) in lines {
        writeln!(out, "{name}={value}")?;
    }
    Ok(())
}
