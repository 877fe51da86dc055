//! Starts the campaign service.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), Service::Campaign, campaign::define)
}
