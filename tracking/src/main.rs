//! Starts tracking.

use std::process::ExitCode;

use schemas::Service;

fn main() -> ExitCode {
    runtime::main(runtime::version!(), Service::Tracking, tracking::define)
}
