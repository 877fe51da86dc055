//! Measures the stack.

use std::process::ExitCode;

use clap::Parser;
use devstack::terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    terminal::end_quietly_when_nobody_reads();
    terminal::finish(bench::Arguments::parse().run().await)
}
