//! The files of the clone that git knows.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::process::Command;

use devstack::layout::Layout;

/// The path and the text of each file whose name fits one of these patterns.
pub fn tracked(patterns: &[&str]) -> Vec<(String, String)> {
    let root = Layout::find().root;
    let listed = Command::new("git")
        .arg("ls-files")
        .args(patterns)
        .current_dir(&root)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    // What was deleted and is not committed yet is listed, too.
    let read = |file: &str| Some((file.to_owned(), fs::read_to_string(root.join(file)).ok()?));
    listed.lines().filter_map(read).collect()
}
