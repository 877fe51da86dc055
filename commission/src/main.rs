//! Starts commission.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    host::main(host::version!(), Service::Commission, commission::define)
}
