//! Passwords and keys of the local stack, made once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use schemas::Service;

use super::{Settings, files, variable};
use crate::producers;
use crate::stack::random_hex;

/// What the compose files take from `.env`.
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

/// Adds to `.env` the secrets that it lacks and that no file holds; returns their names.
pub(super) fn into_env(file: &Path, settings: &Settings) -> Result<Vec<String>> {
    let kept = kept(file)?;
    let is_missing =
        |name: &String| kept.get(name).is_none() && kept.get(&files::variable(name)).is_none();
    let known: Result<Vec<_>> = compose_secrets()
        .into_iter()
        .filter(is_missing)
        .map(|name| {
            let value = settings.need(&name)?.to_owned();
            Ok((name, value))
        })
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
        assert_eq!(added.len(), compose_secrets().len() - 2, "{added:?}");
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
