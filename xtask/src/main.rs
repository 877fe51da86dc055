//! `cargo xtask`: the project's own chores. `test.sh` calls it too.

use std::process::ExitCode;

use clap::Parser;
use devstack::terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    terminal::finish(xtask::Arguments::parse().run().await)
}
