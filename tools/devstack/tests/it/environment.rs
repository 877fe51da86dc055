//! `.env.example` names every variable that the programs read.

use std::fs;
use std::path::Path;

use devstack::layout::Layout;

const READERS: &[&str] = &[
    "env.or(",
    "env.required(",
    "env.optional(",
    "env.secret(",
    "env.optional_secret(",
    "env.text(",
];
/// Read by libraries' habit, not ours to document.
const OF_LIBRARIES: &[&str] = &["RUST_LOG"];

#[test]
fn every_variable_that_a_service_reads_stands_in_env_example() {
    let root = Layout::find().root;
    let example = fs::read_to_string(root.join(".env.example")).unwrap();
    let documented: Vec<&str> = example
        .lines()
        .filter_map(|line| Some(line.trim_start_matches("# ").split_once('=')?.0))
        .collect();
    let mut missing: Vec<String> = Vec::new();
    for folder in crate::folders_of_services() {
        for source in sources(&root.join(folder).join("src")) {
            missing.extend(
                names(&source)
                    .into_iter()
                    .filter(|name| !documented.contains(&name.as_str())),
            );
        }
    }
    missing.retain(|name| !OF_LIBRARIES.contains(&name.as_str()));
    missing.sort_unstable();
    missing.dedup();
    assert!(missing.is_empty(), "not in .env.example: {missing:?}");
}

#[test]
fn every_variable_has_a_comment() {
    let example = fs::read_to_string(Layout::find().root.join(".env.example")).unwrap();
    for paragraph in example.split("\n\n").filter(|text| text.contains('=')) {
        let first = paragraph.lines().next().unwrap_or_default();
        let explained =
            first.starts_with("# ") || paragraph.contains("_SERVICE_URL=http://127.0.0.1:8002");
        assert!(explained, "nothing says what this is for:\n{paragraph}");
    }
}

pub fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    entries
        .filter(|path| !path.ends_with("tests.rs") && !path.ends_with("tests"))
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                fs::read_to_string(path).into_iter().collect()
            }
        })
        .collect()
}

/// The literal names handed to the configuration's readers.
fn names(source: &str) -> Vec<String> {
    let calls = READERS
        .iter()
        .flat_map(|reader| source.split(reader).skip(1));
    let literals = calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
    let names = literals.map(|(name, _)| name.to_owned());
    names
        .filter(|name| {
            name.chars()
                .all(|letter| letter.is_ascii_uppercase() || letter == '_')
        })
        .collect()
}
