//! Starts commission.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), commission::define)
}
