//! Starts notify.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), notify::define)
}
