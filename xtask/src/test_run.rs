//! `test.sh`: formatting, lints and tests against servers of their own, which end with the run however it ends.

use std::process::ExitCode;

use anyhow::Result;
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::runs::{bounded, fits_broker, with_stack};
use devstack::stack::testing::{PROGRAMS_BUILD, PYTHON};
use devstack::tools;
use tokio::process::Command;

/// Crates whose tests start or use a broker.
const WITH_BROKER: &[&str] = &["messaging", "devstack", "invariants", "chaos"];
/// Crates whose tests start programs with faults in them.
const WITH_MUTANTS: &[&str] = &["chaos"];
/// Crates whose tests run programs in Python, and no broker: where there is one, there is Python too.
const WITH_PYTHON: &[&str] = &["notify"];

/// How many tests of one crate the test runner has go at once.
const THREADS: &str = "RUST_TEST_THREADS";

/// Runs everything, or the tests of one crate, or those of them whose names contain `name`.
pub async fn run(layout: &Layout, krate: Option<&str>, name: Option<&str>) -> Result<ExitCode> {
    if krate.is_none() {
        println!("==> cargo fmt --all --check");
        let code = bounded(cargo(layout, &["fmt", "--all", "--check"])).await?;
        if code != 0 {
            return Ok(ExitCode::from(code));
        }
    }
    let with_broker = krate.is_none_or(|name| WITH_BROKER.contains(&name));
    if with_broker {
        fits_broker(layout)?;
        if krate.is_none_or(|name| WITH_MUTANTS.contains(&name)) {
            mutants::build_faulty(layout, Progress)?;
        }
        if krate != Some("messaging") {
            // Before the tests, some of which install packages too.
            tools::docker_compose()?;
            tools::kustomize(layout)?;
            tools::node(layout)?;
            tools::avro_tools(layout)?;
        }
        // The programs that whole-stack tests start. What tests need besides makes other libraries of ours: where all tests are
        // built anyway, programs are built with theirs, and nothing twice.
        let mut build = PROGRAMS_BUILD.to_vec();
        if krate.is_none() {
            build.push("--tests");
        }
        let code = bounded(cargo(layout, &build)).await?;
        if code != 0 {
            return Ok(ExitCode::from(code));
        }
    }
    // Without examples in documentation, of which there are none: to look for them takes a minute.
    let mut arguments = vec!["test", "--locked", "--no-fail-fast", "--tests"];
    match krate {
        None => arguments.push("--workspace"),
        Some(krate) => arguments.extend(["--package", krate]),
    }
    arguments.extend(name);
    let mut tests = cargo(layout, &arguments);
    // Most of what tests of whole stacks do is wait.
    if std::env::var_os(THREADS).is_none() {
        tests.env(THREADS, "3");
    }
    if krate.is_some_and(|name| WITH_PYTHON.contains(&name)) {
        tests.env(PYTHON, tools::python(layout)?);
    }
    with_stack(layout, with_broker, tests).await
}

fn cargo(layout: &Layout, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(&layout.root);
    command
}
