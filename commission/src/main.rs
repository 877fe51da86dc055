//! Starts commission.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), Service::Commission, commission::define)
}
