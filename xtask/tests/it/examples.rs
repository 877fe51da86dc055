//! Examples in documentation comments are not run by `./test.sh`: so none looks as if it were.

use crate::tracked::tracked;

/// What a block is in whose text nobody compiles.
const NOT_COMPILED: [&str; 6] = ["ignore", "json", "sh", "sql", "text", "toml"];

#[test]
fn no_documentation_comment_has_an_example_that_would_have_to_be_run() {
    let mut found = Vec::new();
    for (file, text) in tracked(&["*.rs"]) {
        let lines = examples(&text).into_iter();
        found.extend(lines.map(|line| format!("{file}:{line}")));
    }
    assert!(
        found.is_empty(),
        "have them run by xtask/src/test_run.rs: {found:?}"
    );
}

#[test]
fn an_example_is_found_where_it_begins() {
    let text = "/// ```ignore\n/// a\n/// ```\n    //! ```\n    //! b\n    //! ```\n/// ```rust\n/// ```\n// ```\n";
    assert_eq!(examples(text), [4, 7]);
}

/// The lines in which examples begin.
fn examples(text: &str) -> Vec<usize> {
    let mut inside = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let comment = line.trim_start();
        let comment = comment
            .strip_prefix("///")
            .or_else(|| comment.strip_prefix("//!"));
        let Some(language) = comment.and_then(|it| it.trim_start().strip_prefix("```")) else {
            continue;
        };
        if !inside && !NOT_COMPILED.contains(&language.trim()) {
            found.push(index + 1);
        }
        inside = !inside;
    }
    found
}
