//! The console before a server that a test plays: what a real one answers in bad moments only.

use serde_json::json;

#[test]
fn the_console_shows_nothing_false_and_sends_nothing_twice_when_its_server_fails() {
    let problems = super::run(&json!({}), "played.mjs", |wanted| {
        panic!("nobody knows how to {wanted}")
    });
    assert!(
        problems.is_empty(),
        "{}\npictures: {}",
        problems.join("\n"),
        super::pictures().display()
    );
}
