//! Starts the bff.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), bff::define)
}
