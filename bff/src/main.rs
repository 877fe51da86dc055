//! Starts the bff.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), Service::Bff, bff::define)
}
