//! What a command shows the person who waits for it.

use std::time::Instant;

/// Steps with the time they took.
#[derive(Clone, Copy, Debug)]
pub struct Progress;

/// A step that is being done.
#[derive(Debug)]
pub struct Step {
    name: String,
    since: Instant,
}

impl Progress {
    /// Says what begins.
    pub fn step(self, name: &str) -> Step {
        println!("==> {name}");
        Step {
            name: name.to_owned(),
            since: Instant::now(),
        }
    }

    /// Something worth knowing.
    pub fn note(self, text: &str) {
        println!("    {text}");
    }
}

impl Step {
    /// Says how it ended.
    pub fn done(self, result: &str) {
        println!(
            "    {}: {result} ({:.1} s)",
            self.name,
            self.since.elapsed().as_secs_f32()
        );
    }
}
