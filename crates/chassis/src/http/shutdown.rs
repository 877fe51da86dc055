//! SIGTERM and SIGINT become a cancelled token.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that the first SIGTERM or SIGINT cancels. The handlers stand when this returns.
pub fn cancel_on_signal() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let wait = async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
        cancelled.cancel();
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the first signal and cannot fail"
    )]
    drop(tokio::spawn(wait));
    Ok(token)
}
