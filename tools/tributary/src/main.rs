//! The command line of operators and users.

use std::process::ExitCode;

use clap::Parser;
use devstack::terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    terminal::end_quietly_when_nobody_reads();
    terminal::finish(tributary::Arguments::parse().run().await)
}
