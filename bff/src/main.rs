//! Starts the bff.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    host::main(host::version!(), Service::Bff, bff::define)
}
