//! What the build brings in.

use devstack::layout::Layout;
use xtask::dependencies::{packages, problems};

#[test]
fn every_dependency_is_licensed_needed_once_and_without_a_known_advisory() {
    let root = Layout::find().root;
    assert!(packages(&root).unwrap().len() > 100);
    let problems = problems(&root).unwrap();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
