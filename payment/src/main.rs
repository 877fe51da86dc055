//! Starts payment.

use std::process::ExitCode;

fn main() -> ExitCode {
    host::main(schemas::Service::Payment, payment::define)
}
