//! A page for databases.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use super::deploying::turn;
use super::{has, install};
use crate::layout::Layout;
use crate::stack::run;

/// Inside of the package.
const PAGE: &str = "usr/share/adminer/adminer";

/// The folder with Adminer's page, and PHP with Postgres in the path; both installed where they are missing.
pub fn adminer(layout: &Layout) -> Result<PathBuf> {
    let _turn = turn();
    if !reads_postgres() {
        install("PHP, which runs Adminer", "php-cli php-pgsql", "php")?;
        ensure!(
            reads_postgres(),
            "php was installed and knows no Postgres: php -m has no pgsql"
        );
    }
    let folder = layout.cache().join("adminer");
    if !folder.join(PAGE).exists() {
        install::unpack(
            "Adminer, a page for databases",
            "adminer",
            "php, and Adminer from https://www.adminer.org",
            &folder,
        )?;
    }
    Ok(folder.join(PAGE))
}

fn reads_postgres() -> bool {
    let modules = || run(Command::new("php").arg("-m"));
    has("php") && modules().is_ok_and(|modules| modules.lines().any(|line| line == "pgsql"))
}
