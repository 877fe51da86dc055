//! Secrets of containers: made by one that ends, each where only those find it who need it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use reqwest::Url;
use schemas::Service;

use super::secrets::compose_secrets;
use super::{in_url, variable};
use crate::stack::random_hex;

/// Where all of them stay, for the next time.
const KEPT: &str = "kept";
const ADMIN: &str = "POSTGRES_ADMIN_URL";
const SUPERUSER: &str = "POSTGRES_PASSWORD";
/// The server of the compose files, as its superuser. It has no certificate, and no network leads to it but theirs.
const SERVER: &str = "postgres://postgres@postgres:5432/postgres?sslmode=prefer";

/// `tributary secrets`.
#[derive(Clone, Debug, clap::Args)]
pub struct Secrets {
    /// Holds a folder for each container, and one of its own
    #[arg(long)]
    folder: PathBuf,
}

impl Secrets {
    /// Makes what the environment does not give and an earlier run did not make, and hands each out.
    pub fn run(&self) -> Result<()> {
        hand_out(&self.folder, |name| {
            std::env::var(name).ok().filter(|value| !value.is_empty())
        })
    }
}

fn hand_out(folder: &Path, given: impl Fn(&str) -> Option<String>) -> Result<()> {
    let value = |name: &str| -> Result<String> {
        let kept = folder.join(KEPT).join(name);
        let value = match (given(name), fs::read_to_string(&kept)) {
            (Some(given), Ok(before)) => {
                keep_before(&kept, &before, &given)?;
                given
            }
            (Some(given), Err(_)) => given,
            (None, Ok(made)) => made,
            (None, Err(error)) if error.kind() == ErrorKind::NotFound => random_hex(32)?,
            (None, Err(error)) => return Err(error).context(kept.display().to_string()),
        };
        write(&kept, &value, 0o600)?;
        Ok(value)
    };
    for (container, names) in holders() {
        let mode = if container == "postgres" {
            0o444
        } else {
            0o400
        };
        for name in names {
            let text = if name == ADMIN {
                admin_url(&value(SUPERUSER)?)?
            } else {
                value(&name)?
            };
            write(&folder.join(&container).join(name), &text, mode)?;
        }
    }
    Ok(())
}

/// What one has been is kept too, the newest last: what was sealed or signed by it needs it until all is done anew, and nobody else may have it.
fn keep_before(kept: &Path, before: &str, given: &str) -> Result<()> {
    if before == given {
        return Ok(());
    }
    let file = kept.with_extension("before");
    let mut all = fs::read_to_string(&file).unwrap_or_default();
    if !all.lines().any(|line| line == before) {
        all = format!("{all}{before}\n");
    }
    write(&file, &all, 0o600)
}

/// Each container with what it needs. Postgres reads as a user of its own.
fn holders() -> Vec<(String, Vec<String>)> {
    let all = compose_secrets();
    let passwords = Service::ALL.map(|service| variable(service, "DB_PASSWORD"));
    let of = |service: Service| {
        let others = Service::ALL.into_iter().filter(|other| *other != service);
        let of_others: Vec<String> = others.map(|other| variable(other, "")).collect();
        let own = all.iter().filter(|name| {
            *name != SUPERUSER && !of_others.iter().any(|other| name.starts_with(other))
        });
        own.cloned().collect()
    };
    let services = Service::ALL.map(|service| (service.name().to_owned(), of(service)));
    let provision = passwords.into_iter().chain([ADMIN.to_owned()]).collect();
    let others = [
        ("postgres".to_owned(), vec![SUPERUSER.to_owned()]),
        ("provision".to_owned(), provision),
    ];
    services.into_iter().chain(others).collect()
}

fn admin_url(password: &str) -> Result<String> {
    let mut url = Url::parse(SERVER)?;
    let refused = url.set_password(Some(&in_url(password))).is_err();
    anyhow::ensure!(!refused, "{SERVER} takes no password");
    Ok(url.into())
}

/// Whole or not at all: whoever reads it while it is written anew finds the one before.
fn write(file: &Path, text: &str, mode: u32) -> Result<()> {
    if fs::read_to_string(file).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let part = file.with_extension("part");
    let whole = || -> std::io::Result<()> {
        let _remains = fs::remove_file(&part);
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)?;
        out.write_all(text.as_bytes())?;
        out.set_permissions(Permissions::from_mode(mode))?;
        out.sync_all()?;
        fs::rename(&part, file)
    };
    whole().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("handed-out-{name}-{}", std::process::id()));
        for (container, _) in holders() {
            fs::create_dir_all(folder.join(container)).unwrap();
        }
        fs::create_dir_all(folder.join(KEPT)).unwrap();
        folder
    }

    fn read(folder: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (container, _) in holders() {
            for file in fs::read_dir(folder.join(&container)).unwrap() {
                let file = file.unwrap();
                let name = format!("{container}/{}", file.file_name().display());
                found.insert(name, fs::read_to_string(file.path()).unwrap());
            }
        }
        found
    }

    #[test]
    fn each_container_gets_what_it_needs_and_nothing_of_another() {
        let folder = folder("each");
        hand_out(&folder, |_| None).unwrap();
        let found = read(&folder);
        let of = |container: &str| -> Vec<&str> {
            let prefix = format!("{container}/");
            found
                .keys()
                .filter_map(|name| name.strip_prefix(prefix.as_str()))
                .collect()
        };
        assert_eq!(
            of("bff"),
            ["BFF_DB_PASSWORD", "INTERNAL_SECRET_KEY", "JWT_SECRET_KEY"]
        );
        assert!(of("payment").contains(&"PAYMENT_DATA_KEY"));
        assert_eq!(of("postgres"), [SUPERUSER]);
        assert_eq!(found["bff/JWT_SECRET_KEY"], found["payment/JWT_SECRET_KEY"]);
        assert_eq!(
            found["bff/BFF_DB_PASSWORD"],
            found["provision/BFF_DB_PASSWORD"]
        );
        assert_eq!(found["bff/JWT_SECRET_KEY"].len(), 64);
        assert!(
            found["provision/POSTGRES_ADMIN_URL"].contains(&found["postgres/POSTGRES_PASSWORD"])
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_made_stays_and_what_is_given_is_taken() {
        let folder = folder("again");
        hand_out(&folder, |_| None).unwrap();
        let first = read(&folder);
        hand_out(&folder, |_| None).unwrap();
        assert_eq!(read(&folder), first);
        let given = |name: &str| (name == SUPERUSER).then(|| "a/b@c%41".to_owned());
        hand_out(&folder, given).unwrap();
        let second = read(&folder);
        assert_eq!(second["postgres/POSTGRES_PASSWORD"], "a/b@c%41");
        let admin = "postgres://postgres:a%2Fb%40c%2541@postgres:5432/postgres?sslmode=prefer";
        assert_eq!(second["provision/POSTGRES_ADMIN_URL"], admin);
        assert_eq!(second["bff/JWT_SECRET_KEY"], first["bff/JWT_SECRET_KEY"]);
        let another = |name: &str| (name == SUPERUSER).then(|| "c".to_owned());
        for given in [
            &another as &dyn Fn(&str) -> Option<String>,
            &given,
            &another,
        ] {
            hand_out(&folder, given).unwrap();
        }
        let before = fs::read_to_string(folder.join(KEPT).join("POSTGRES_PASSWORD.before"));
        let made = &first["postgres/POSTGRES_PASSWORD"];
        assert_eq!(before.unwrap(), format!("{made}\na/b@c%41\nc\n"));
        fs::remove_dir_all(folder).unwrap();
    }
}
