//! A copy of the clone with the faults in it, and its programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use devstack::binaries::link_or_copy;
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::services::Program;
use devstack::stack::run_visibly;

use crate::mutations::{MUTATIONS, USERS};

/// Where the binaries are, beside `debug` and `release`.
pub const FOLDER: &str = "faulty";
/// The copy, below the folder that cargo builds into.
const COPY: &str = "faulty-copy";

/// Debug binaries that can have faults, in a folder of their own; then the honest ones again, where those were.
///
/// # Errors
/// The clone cannot be copied, a mutation does not fit its file any more, or the build fails.
pub fn build(layout: &Layout, progress: Progress) -> Result<PathBuf> {
    let built = build_faulty(layout, progress)?;
    cargo_build(layout, &layout.root, &["--locked", "--bins"])?;
    Ok(built)
}

/// The same, and the faulty ones stay where the honest ones were, for who builds those next. In this way both share what they depend
/// on, and only the crates of this repository are compiled twice.
///
/// # Errors
/// As of [`build`].
pub fn build_faulty(layout: &Layout, progress: Progress) -> Result<PathBuf> {
    let step = progress.step("Build a copy with faults in it (some minutes the first time)");
    let copy = layout.built(COPY);
    fs::create_dir_all(&copy)?;
    mirror(layout, &copy)?;
    let names: Vec<_> = Program::START_ORDER
        .map(Program::name)
        .into_iter()
        .chain(["generate-jwt", "rebuild"])
        .collect();
    let programs: Vec<_> = names.iter().flat_map(|name| ["--bin", name]).collect();
    cargo_build(layout, &copy, &programs)?;
    let (from, into) = (layout.built("debug"), layout.built(FOLDER));
    fs::create_dir_all(&into)?;
    for name in names {
        let place = into.join(name);
        let _former = fs::remove_file(&place);
        link_or_copy(&from.join(name), &place).with_context(|| format!("copy {name}"))?;
    }
    step.done("built");
    Ok(into)
}

/// Brings the copy up to date: only what differs is written, so that cargo compiles only that.
fn mirror(layout: &Layout, copy: &Path) -> Result<()> {
    let root = &layout.root;
    let mut kept = BTreeSet::new();
    for file in sources(root)? {
        // Where the folder that cargo builds into is one that git does not ignore.
        if root.join(&file).starts_with(layout.built("")) {
            continue;
        }
        let bytes = fs::read(root.join(&file)).with_context(|| format!("read {file}"))?;
        let bytes = mutated(&file, bytes)?;
        let into = copy.join(&file);
        if fs::read(&into).ok().as_deref() != Some(&bytes) {
            if let Some(folder) = into.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&into, bytes).with_context(|| format!("write {}", into.display()))?;
        }
        kept.insert(into);
    }
    remove_others(copy, &kept)
}

/// The files of the clone, as git knows them: those that it tracks, and new ones that it does not ignore.
fn sources(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("git lists the files of the clone")?;
    if !listed.status.success() {
        bail!("git cannot list the files of {}", root.display());
    }
    let files = String::from_utf8(listed.stdout)?;
    let files = files.split('\0').filter(|file| !file.is_empty());
    // What was deleted and is not committed yet is listed, too.
    Ok(files
        .filter(|file| root.join(file).is_file())
        .map(str::to_owned)
        .collect())
}

fn mutated(file: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if file == "Cargo.toml" {
        return other_version(&String::from_utf8(bytes)?);
    }
    let user = USERS.iter().find(|(manifest, _)| *manifest == file);
    let mutations = MUTATIONS.iter().filter(|mutation| mutation.file == file);
    let mut mutations = mutations.peekable();
    if user.is_none() && mutations.peek().is_none() {
        return Ok(bytes);
    }
    let mut text = String::from_utf8(bytes)?;
    if let Some((_, fault)) = user {
        let dependency = format!("[dependencies]\nfault = {{ path = \"{fault}\" }}\n");
        text = text.replacen("[dependencies]\n", &dependency, 1);
    }
    for mutation in mutations {
        if text.matches(mutation.from).count() != 1 {
            bail!(
                "the text of a fault does not stand once in {file}: mend tools/mutants/src/mutations.rs\n{}",
                mutation.from
            );
        }
        text = text.replacen(mutation.from, mutation.to, 1);
    }
    Ok(text.into_bytes())
}

/// The workspace's manifest with another version.
fn other_version(manifest: &str) -> Result<Vec<u8>> {
    const SECTION: &str = "[workspace.package]\nversion = \"";
    let (before, version) = manifest
        .split_once(SECTION)
        .context("the workspace's version is not where it was: mend tools/mutants/src/build.rs")?;
    Ok(format!("{before}{SECTION}9{version}").into_bytes())
}

/// Removes what is not kept, and folders with nothing in them: cargo would take one for a crate without a manifest.
fn remove_others(folder: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, kept)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !kept.contains(&path) && path.file_name().is_some_and(|name| name != "Cargo.lock")
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Both builds go to the same folder, so that what they depend on is built once. Their own crates differ by their version:
/// where they lie does not make them different to cargo.
fn cargo_build(layout: &Layout, root: &Path, arguments: &[&str]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--target-dir"])
        .arg(layout.built(""))
        .args(arguments)
        .current_dir(root)
        .env_remove("RUSTC_WORKSPACE_WRAPPER"); // of lints, which a fault need not keep
    if !run_visibly(&mut cargo)? {
        bail!("the build failed: see the compiler's message above");
    }
    Ok(())
}
