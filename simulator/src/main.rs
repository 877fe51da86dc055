//! Starts the payout provider simulator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::Context;
use clap::Parser;
use simulator::{Behaviour, Books, Journal, Simulator, router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

static VERSION: LazyLock<String> = LazyLock::new(|| chassis::version!().to_string());

/// A payout provider that can be told to fail at each step.
#[derive(Parser)]
#[command(version = VERSION.as_str())]
struct Arguments {
    /// Where to listen.
    #[arg(long, env = "SIMULATOR_ADDRESS", default_value = "127.0.0.1:8010")]
    listen: SocketAddr,
    /// A file that keeps the books over a restart. Absent: they are in memory only.
    #[arg(long, env = "SIMULATOR_BOOKS")]
    books: Option<PathBuf>,
    /// Payouts that the books can hold; about 500 bytes each.
    #[arg(long, default_value_t = 100_000)]
    capacity: usize,
    #[command(flatten)]
    behaviour: Behaviour,
    /// Only ask the one that runs at that address whether it is alive, for health checks.
    #[arg(long)]
    health: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.health {
        let answer = chassis::http::ask(arguments.listen, "/health");
        return answer.map(drop).map_err(anyhow::Error::msg);
    }
    tracing_subscriber::fmt().json().init();
    let mut books = Books::new(arguments.capacity);
    let journal = match &arguments.books {
        Some(path) => Some(Journal::open(path, &mut books)?),
        None => None,
    };
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}: is the port in use?", arguments.listen))?;
    tracing::info!(address = %arguments.listen, "payout provider simulator is ready");
    let app = router(Simulator::new(arguments.behaviour, books, journal));
    let mut terminate = signal(SignalKind::terminate())?;
    // A hanging request must not hold up the end, so nothing is waited for.
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served?,
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
