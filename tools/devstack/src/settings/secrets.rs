//! Passwords and keys of the local stack, made once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Settings, files};
use crate::producers;
use crate::stack::random_hex;

/// What the compose files take from `.env`.
pub const COMPOSE_SECRETS: [&str; 9] = [
    "BFF_DB_PASSWORD",
    "CAMPAIGN_DB_PASSWORD",
    "TRACKING_DB_PASSWORD",
    "COMMISSION_DB_PASSWORD",
    "PAYMENT_DB_PASSWORD",
    "POSTGRES_PASSWORD",
    "JWT_SECRET_KEY",
    "INTERNAL_SECRET_KEY",
    "PAYMENT_DATA_KEY",
];

/// Adds to the file what it lacks; what it has stays, since data depends on it.
pub(super) fn make(file: &Path) -> Result<()> {
    let kept = kept(file)?;
    let missing = COMPOSE_SECRETS.into_iter().chain(["PULSAR_SECRET_KEY"]);
    let mut made = Vec::new();
    for name in missing.filter(|name| kept.get(name).is_none()) {
        made.push((name, random_hex(32)?));
    }
    if kept.get(producers::VARIABLE).is_none() {
        made.push((producers::VARIABLE, producers::local()?));
    }
    append(file, &made)
}

/// Adds to `.env` the secrets that it lacks and that no file holds; returns their names.
pub(super) fn into_env(file: &Path, settings: &Settings) -> Result<Vec<&'static str>> {
    let kept = kept(file)?;
    let is_missing =
        |name: &&str| kept.get(name).is_none() && kept.get(&files::variable(name)).is_none();
    let known: Result<Vec<_>> = COMPOSE_SECRETS
        .into_iter()
        .filter(is_missing)
        .map(|name| Ok((name, settings.need(name)?.to_owned())))
        .collect();
    let known = known?;
    append(file, &known)?;
    Ok(known.into_iter().map(|(name, _)| name).collect())
}

fn kept(file: &Path) -> Result<Settings> {
    if file.exists() {
        Settings::read(file)
    } else {
        Ok(Settings::default())
    }
}

fn append(file: &Path, lines: &[(&str, String)]) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compose_file_gets_the_secrets_that_it_lacks_and_keeps_those_that_it_has() {
        let folder = std::env::temp_dir().join(format!("xtask-secrets-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        make(&folder.join("secrets.env")).unwrap();
        let mut settings = Settings::read(&folder.join("secrets.env")).unwrap();
        settings.set("JWT_SECRET_KEY", "from a file");
        let env = folder.join(".env");
        fs::write(&env, "POSTGRES_PASSWORD=mine\nJWT_SECRET_KEY_FILE=/run/jwt").unwrap();
        let added = into_env(&env, &settings).unwrap();
        assert_eq!(added.len(), COMPOSE_SECRETS.len() - 2, "{added:?}");
        let read = Settings::read(&env).unwrap();
        assert_eq!(read.get("POSTGRES_PASSWORD"), Some("mine"));
        assert_eq!(
            read.get("JWT_SECRET_KEY"),
            None,
            "both at once would be refused"
        );
        assert_eq!(
            read.get("PAYMENT_DATA_KEY"),
            settings.get("PAYMENT_DATA_KEY")
        );
        assert!(into_env(&env, &settings).unwrap().is_empty(), "again");
        fs::remove_dir_all(folder).unwrap();
    }
}
