//! `cargo benchmark builds`: what it costs to build all from nothing and after an edit, how large the images are, and which tests take longest.
//! In a clone of its own, so the last commit is what is measured.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::stack::run_visibly;
use devstack::stack::testing::PROGRAMS_BUILD;
use devstack::up;

use super::machine::size;
use super::page;

/// What is built and looked at.
#[derive(Args, Clone, Debug)]
pub struct Builds {
    /// Run every test too, as CI does, and name those that take longest
    #[arg(long)]
    tests: bool,
    /// Print the figures only, and leave docs/benchmark.md as it is
    #[arg(long)]
    look: bool,
}

/// What a developer edits, and where.
const EDITS: [(&str, &str); 2] = [
    ("in tracking's domain", "tracking/src/domain/mod.rs"),
    (
        "in the engine of every service",
        "crates/messaging/src/engine.rs",
    ),
];

/// From when on the test runner says that a test takes long.
const LONG: Duration = Duration::from_mins(1);

/// Measures in a clone in `.tributary/builds`, which it removes, prints the figures and writes them into `docs/benchmark.md`.
pub fn run(layout: &Layout, builds: &Builds, progress: Progress) -> Result<()> {
    let clone = Layout {
        root: layout.state.join("builds"),
        state: layout.state.join("builds/.tributary"),
    };
    discard(&clone.root)?;
    let mut git = Command::new("git");
    git.args(["clone", "--quiet"])
        .arg(&layout.root)
        .arg(&clone.root);
    timed(&mut git)?;
    let mut section = programs(&clone, progress)?;
    section += &images(&clone)?;
    discard(&target(&clone))?;
    if builds.tests {
        progress.note("every test, as CI runs them");
        section += &every_test(&clone)?;
    }
    discard(&clone.root)?;
    if builds.look {
        println!("{section}");
        return Ok(());
    }
    page::write(layout, &section)
}

/// The table of builds, in release and as developers build.
fn programs(clone: &Layout, progress: Progress) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let mut page = format!(
        "## Builds\n\n`cargo benchmark builds`: a fresh clone on {cores} cores; what cargo downloads was there already.\n\n\
         | build | s | target folder, MiB |\n|---|---|---|\n"
    );
    let in_release = || up::build_command(clone);
    let of_developers = || {
        let mut cargo = Command::new("cargo");
        cargo.args(PROGRAMS_BUILD).arg("--tests");
        cargo.current_dir(&clone.root);
        cargo
    };
    let profiles: [(&str, &dyn Fn() -> Command); 2] = [
        ("release, what `./start.sh` builds", &in_release),
        ("dev, every program and test", &of_developers),
    ];
    for (profile, command) in profiles {
        let already = size(&clone.root)?;
        let mut row = |when: &str| -> Result<()> {
            progress.note(&format!("{profile}, {when}"));
            let mut cargo = command();
            // Into the clone's own folder, whatever is set for the others.
            let took = timed(cargo.env_remove("CARGO_TARGET_DIR"))?.as_secs();
            let mib = (size(&clone.root)? - already) >> 20;
            Ok(writeln!(page, "| {profile}, {when} | {took} | {mib} |")?)
        };
        row("from nothing")?;
        for (at, file) in EDITS {
            edit(&clone.root.join(file))?;
            row(&format!("after an edit {at}"))?;
        }
    }
    Ok(page)
}

/// Adds a function at a file's end, another one each time.
fn edit(file: &Path) -> Result<()> {
    let number = fs::read_to_string(file)?.len();
    let mut file = File::options().append(true).open(file)?;
    Ok(writeln!(
        file,
        "\n/// An edit.\n#[doc(hidden)]\npub fn edit_{number}(at: &str) -> String {{\n    format!(\"{{at}} {number}\")\n}}"
    )?)
}

/// The size of each image's whole file system, as the Dockerfile makes it.
fn images(clone: &Layout) -> Result<String> {
    let folder = clone.state.join("images");
    let mut rootfs = Command::new(clone.root.join("deploy/images/rootfs.sh"));
    rootfs.arg(target(clone).join("release")).arg(&folder);
    timed(&mut rootfs)?;
    let mut images = Vec::new();
    for image in fs::read_dir(&folder)? {
        let image = image?;
        let name = image.file_name().to_string_lossy().into_owned();
        if name != "state" {
            let tenths = (size(&image.path())? * 10) >> 20;
            images.push(format!("{name} {}.{} MiB", tenths / 10, tenths % 10));
        }
    }
    images.sort();
    Ok(format!("\nImages, unpacked: {}.\n", images.join(", ")))
}

/// How long `.ci/run` takes from nothing, and the tests of which the test runner says that they take long.
fn every_test(clone: &Layout) -> Result<String> {
    let begun = Instant::now();
    let mut ci = Command::new(clone.root.join(".ci/run"));
    ci.current_dir(&clone.root).env_remove("CARGO_TARGET_DIR");
    let mut ci = ci.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let lines = ci.stdout.take().context("it has an end to read from")?;
    let mut slow = Slow::default();
    for line in BufReader::new(lines).lines() {
        let line = line?;
        slow.hear(&line, Instant::now());
        println!("{line}");
    }
    if !ci.wait()?.success() {
        bail!("not every test passes: see above");
    }
    let mut page = format!(
        "\nFormatting, lints and every test (`.ci/run`), from nothing: {} s. Tests that take more than a minute, beside others:\n\n| test | s |\n|---|---|\n",
        begun.elapsed().as_secs()
    );
    for (name, took) in slow.longest_first() {
        writeln!(page, "| `{name}` | {} |", took.as_secs())?;
    }
    Ok(page)
}

/// What the test runner says of tests that take long: once, after a minute, and when they end.
#[derive(Default)]
struct Slow {
    since: HashMap<String, Instant>,
    took: Vec<(String, Duration)>,
}

impl Slow {
    fn hear(&mut self, line: &str, now: Instant) {
        let Some(of_a_test) = line.strip_prefix("test ") else {
            return;
        };
        if let Some((name, _)) = of_a_test.split_once(" has been running for over") {
            self.since.insert(name.to_owned(), now);
        } else if let Some((name, _)) = of_a_test.split_once(" ... ")
            && let Some(since) = self.since.remove(name)
        {
            self.took.push((name.to_owned(), now - since + LONG));
        }
    }

    fn longest_first(mut self) -> Vec<(String, Duration)> {
        self.took.sort_by_key(|(_, took)| Reverse(*took));
        self.took
    }
}

/// How long a command takes that succeeds.
fn timed(command: &mut Command) -> Result<Duration> {
    let begun = Instant::now();
    if !run_visibly(command)? {
        bail!("{} failed: see above", command.get_program().display());
    }
    Ok(begun.elapsed())
}

fn target(clone: &Layout) -> PathBuf {
    clone.root.join("target")
}

/// Removes a folder, if it is there.
fn discard(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_of_which_the_runner_says_that_it_takes_long_took_a_minute_more_than_since_then() {
        let mut slow = Slow::default();
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        slow.hear("test a::quick ... ok", begun);
        slow.hear(
            "test a::slow has been running for over 60 seconds",
            after(10),
        );
        slow.hear(
            "test a::slower has been running for over 60 seconds",
            after(11),
        );
        slow.hear("test a::slow ... ok", after(15));
        slow.hear("test a::slower ... FAILED", after(41));
        let took = [("a::slower", 90), ("a::slow", 65)];
        let took = took.map(|(name, seconds)| (name.to_owned(), Duration::from_secs(seconds)));
        assert_eq!(slow.longest_first(), took);
    }
}
