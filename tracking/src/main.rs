//! Starts tracking.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), tracking::define)
}
