//! Breaks a stack of its own in every way, then checks the invariants.

use std::process::ExitCode;

use clap::Parser;
use devstack::terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    terminal::end_quietly_when_nobody_reads();
    terminal::finish(chaos::Arguments::parse().run().await)
}
