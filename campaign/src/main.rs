//! Starts the campaign service.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), campaign::define)
}
