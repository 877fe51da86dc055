//! Starts the campaign service.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    host::main(Service::Campaign, campaign::define)
}
