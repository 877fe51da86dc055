//! Starts payment.

use std::process::ExitCode;

fn main() -> ExitCode {
    host::main(host::version!(), schemas::Service::Payment, payment::define)
}
