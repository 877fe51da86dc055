//! Starts commission.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    host::main(Service::Commission, commission::define)
}
