//! Passwords and keys of the local stack, made once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use schemas::Service;

use super::{Settings, variable};
use crate::stack::random_hex;

/// Adds to the file what it lacks; what it has stays, since data depends on it.
pub(super) fn make(file: &Path) -> Result<()> {
    let kept = if file.exists() {
        Settings::read(file)?
    } else {
        Settings::default()
    };
    let passwords = Service::ALL.map(|service| variable(service, "DB_PASSWORD"));
    let keys = [
        "JWT_SECRET_KEY",
        "INTERNAL_SECRET_KEY",
        "PAYMENT_DATA_KEY",
        "PULSAR_SECRET_KEY",
    ]
    .map(str::to_owned);
    let missing: Vec<String> = passwords
        .into_iter()
        .chain(keys)
        .filter(|name| kept.get(name).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(file.parent().context("a folder")?)?;
    let mut out = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    for name in missing {
        writeln!(out, "{name}={}", random_hex(32)?)?;
    }
    Ok(())
}
