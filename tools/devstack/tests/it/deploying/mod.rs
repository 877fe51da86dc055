//! What the stack is deployed by: Dockerfiles, compose files, Kubernetes manifests.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod compose;
mod container;
mod dockerfile;
mod images;
mod kubernetes;
mod start;

use std::fs;

use devstack::layout::Layout;
use serde_json::Value;

/// A file of the clone.
fn text(path: &str) -> String {
    let file = Layout::find().root.join(path);
    fs::read_to_string(&file).unwrap_or_else(|problem| panic!("{}: {problem}", file.display()))
}

/// The names that `.env.example` explains.
fn documented() -> Vec<String> {
    let example = text(".env.example");
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| Some(line.split_once('=')?.0.to_owned()));
    names.collect()
}

/// The variable itself, of one that names a file with its value.
fn variable(name: &str) -> &str {
    let known = documented();
    match name.strip_suffix("_FILE") {
        Some(plain) if known.iter().any(|known| known == plain) => plain,
        _ => name,
    }
}

/// The strings of a JSON array.
fn strings(array: &Value) -> Vec<&str> {
    array
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
