//! The console: built again as it is committed, and used in a real browser.

mod built;
mod documents;
mod played;
mod provider;
mod walk;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::stack::testing::scratch;
use devstack::tools::{Node, chromium, node_for_console};
use schemas::Service;
use serde_json::{Value, json};

/// A folder in which Node finds the console's packages.
struct Workplace {
    folder: PathBuf,
    node: Node,
}

impl Workplace {
    fn new(name: &str) -> Self {
        let node = node_for_console(&Layout::find()).unwrap();
        let folder = scratch(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder, node }
    }

    fn link_packages(&self, beside: &Path) {
        symlink(
            self.node.home.join("node_modules"),
            beside.join("node_modules"),
        )
        .unwrap();
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _swept_later = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Where it is set, every page is shown in every look and a picture taken of it: most of what a walk would take.
const WANTS_PICTURES: &str = "CONSOLE_PICTURES";

/// Where pictures of what a browser showed are put, to be looked at: where they are wanted, and when a walk failed.
fn pictures() -> PathBuf {
    Layout::find().state.join("console-pictures")
}

/// The address of every page, as the console's routes name them.
fn routes() -> Vec<String> {
    let pages = Layout::find().root.join("console/src/pages");
    let mut routes = Vec::new();
    for role in ["brand", "operator", "partner"] {
        let text = fs::read_to_string(pages.join(role).join("routes.ts")).unwrap();
        let named: Vec<&str> = text.split("path: \"").skip(1).collect();
        assert_eq!(named.len(), text.matches("page: ").count(), "{role}");
        routes.extend(
            named
                .iter()
                .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())),
        );
    }
    routes
}

/// Where a walk finds a stack.
fn places(stack: &LocalStack) -> Value {
    json!({ "bff": stack.url(Service::Bff).unwrap(), "tracking": stack.url(Service::Tracking).unwrap() })
}

/// Runs a walk in a browser, which finds what it walks through `at` places; what it wants done is done by `on`. Returns the problems that
/// it found.
#[allow(clippy::print_stdout, reason = "how far it is, for who waits")]
fn run(at: &Value, script: &str, mut on: impl FnMut(&str)) -> Vec<String> {
    let workplace = Workplace::new("console-walk");
    workplace.link_packages(&workplace.folder);
    let root = Layout::find().root;
    let sources = root.join("tools/devstack/tests/it/clients/console");
    for file in ["browser.mjs", "server.mjs", script] {
        fs::copy(sources.join(file), workplace.folder.join(file)).unwrap();
    }
    let mut test = at.clone();
    test["dist"] = json!(root.join("console/dist"));
    test["chromium"] = json!(program(chromium().unwrap()));
    test["pictures"] = json!(pictures());
    test["wants_pictures"] = json!(env::var_os(WANTS_PICTURES).is_some());
    test["routes"] = json!(routes());
    test["documented"] = json!(documents::pictures().into_values().collect::<Vec<_>>());
    let child = Command::new(&workplace.node.program)
        .arg(script)
        .current_dir(&workplace.folder)
        .env("CONSOLE_TEST", test.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = Ended(child.unwrap());
    let mut answers = child.0.stdin.take().unwrap();
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut problems = Vec::new();
    for line in lines {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if let Some(wanted) = line["please"].as_str() {
            on(wanted);
            writeln!(answers, "done").unwrap();
        } else if let Some(problem) = line["problem"].as_str() {
            problems.push(problem.to_owned());
        } else {
            println!("    {}", line["done"]);
        }
    }
    let ended = child.0.wait().unwrap();
    if problems.is_empty() && !ended.success() {
        problems.push(format!("the walk ended with {ended}"));
    }
    problems
}

/// Stopped when the test ends before it does.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _has_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Where a program of the path is.
fn program(name: &str) -> PathBuf {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders).map(|folder| folder.join(name));
    found.into_iter().find(|path| path.exists()).unwrap()
}
