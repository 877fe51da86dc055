//! Starts payment.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), payment::define)
}
