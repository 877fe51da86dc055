//! Starts tracking.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    host::main(Service::Tracking, tracking::define)
}
