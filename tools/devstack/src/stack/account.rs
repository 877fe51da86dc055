//! The account that runs Postgres, which refuses to run as root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::command::run;
use types::hex;

/// An unprivileged account, used only when this program runs as root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// None when the caller is not root; else `postgres`, made if there is none.
    pub(super) fn for_server() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Some(account) = Self::named("postgres") {
            return Ok(Some(account));
        }
        let make = [
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            "postgres",
        ];
        run(Command::new("useradd").args(make))
            .context("Postgres does not run as root; make a user for it: useradd --system --user-group postgres")?;
        Self::named("postgres")
            .context("no user postgres even after useradd")
            .map(Some)
    }

    fn named(name: &str) -> Option<Self> {
        let id = |flag| {
            run(Command::new("id").args([flag, name]))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        Some(Self {
            uid: id("-u")?,
            gid: id("-g")?,
        })
    }

    /// The command as this account; std drops the supplementary groups with the user.
    pub(super) fn apply(account: Option<Self>, command: &mut Command) {
        if let Some(Self { uid, gid }) = account {
            command.uid(uid).gid(gid);
        }
    }

    fn can_enter(self, dir: &Path) -> bool {
        let mut probe = Command::new("/bin/sh");
        probe
            .args(["-c", "cd \"$1\"", "sh"])
            .arg(dir)
            .current_dir("/");
        Self::apply(Some(self), &mut probe);
        run(&mut probe).is_ok()
    }
}

/// The server's data folder under `dir`, made when missing. Where its account cannot enter `dir` (a clone under
/// `/root`), `data` is a link to a folder under `/var/lib/tributary`, named after the clone's path.
pub(super) fn data_folder(dir: &Path, account: Option<Account>) -> Result<PathBuf> {
    let data = dir.join("data");
    if data.exists() {
        return Ok(data.canonicalize()?);
    }
    fs::create_dir_all(dir)?;
    let place = match account {
        Some(account) if !account.can_enter(dir) => outside(dir)?,
        _ => data,
    };
    data_folder_at(&place, dir, account)
}

/// The same at a place of its own, to which `data` is a link.
pub(super) fn data_folder_at(
    place: &Path,
    dir: &Path,
    account: Option<Account>,
) -> Result<PathBuf> {
    fs::create_dir_all(dir)?;
    fs::create_dir_all(place)?;
    fs::set_permissions(place, fs::Permissions::from_mode(0o700))?;
    if let Some(account) = account {
        chown(place, Some(account.uid), Some(account.gid))?;
    }
    let data = dir.join("data");
    if place != data {
        let _dangling = fs::remove_file(&data);
        symlink(place, &data)?;
    }
    Ok(place.to_owned())
}

const OUTSIDE: &str = "/var/lib/tributary";
/// A folder in memory, where the system has one.
const SHARED_MEMORY: &str = "/dev/shm";
const OURS: &str = "tributary";

/// Where this user's folders in memory are: what one user has made there is closed to the others.
pub fn memory() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    Path::new(SHARED_MEMORY).join(format!("{OURS}-{user}"))
}

fn outside(dir: &Path) -> Result<PathBuf> {
    let digest = Sha256::digest(dir.canonicalize()?.as_os_str().as_encoded_bytes());
    Ok(Path::new(OUTSIDE).join(hex(&digest[..8])))
}

/// Removes `dir` and the data folder that it may link to.
pub(super) fn remove_data(dir: &Path) -> Result<()> {
    if let Ok(place) = fs::read_link(dir.join("data")) {
        if !goes_along(&place, dir)? {
            let place = place.display();
            eprintln!(
                "    {place} stays: it was made for a clone at another path, which may use it still"
            );
        } else if place.exists() {
            fs::remove_dir_all(place)?;
        }
    }
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    Ok(())
}

/// Whether the folder that `data` of `dir` links to is removed with it: not one that is named after another path.
fn goes_along(place: &Path, dir: &Path) -> Result<bool> {
    if place.starts_with(OUTSIDE) {
        return Ok(place == outside(dir)?);
    }
    let in_memory = place.strip_prefix(SHARED_MEMORY);
    if in_memory.is_ok_and(|rest| rest.to_string_lossy().starts_with(OURS)) {
        return Ok(true);
    }
    bail!(
        "{} links to {}, which is not ours to remove",
        dir.join("data").display(),
        place.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::testing::scratch;

    #[test]
    fn what_a_copied_folder_links_to_stays_when_that_is_removed() {
        let (dir, copy) = (scratch("clone"), scratch("copy"));
        for folder in [&dir, &copy] {
            fs::create_dir_all(folder).unwrap();
        }
        let place = outside(&dir).unwrap();
        assert!(goes_along(&place, &dir).unwrap());
        assert!(!goes_along(&place, &copy).unwrap());
        assert!(goes_along(&memory().join("1/data"), &copy).unwrap());
        assert!(goes_along(Path::new("/home/me"), &dir).is_err());
        for folder in [dir, copy] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
