//! What every command of the clone does alike: it reports an error in one line, and ends quietly when nobody reads on.

use std::process::ExitCode;

use anyhow::Result;

/// The end of `main`: the command's own code, or 1 after its error.
pub fn finish(ended: Result<ExitCode>) -> ExitCode {
    ended.unwrap_or_else(|problem| {
        eprintln!("\nerror: {problem:#}");
        ExitCode::FAILURE
    })
}

/// 0 when what was looked at holds, else 1.
pub fn holds(holds: bool) -> ExitCode {
    ExitCode::from(u8::from(!holds))
}

/// As with `| head`: what is printed then goes nowhere, and is no fault.
pub fn end_quietly_when_nobody_reads() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.to_string().contains("Broken pipe") {
            std::process::exit(0);
        }
        report(panic);
    }));
}
