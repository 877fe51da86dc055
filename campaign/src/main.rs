//! Starts the campaign service.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    host::main(host::version!(), Service::Campaign, campaign::define)
}
