//! Starts the payout provider simulator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::Context;
use clap::Parser;
use payout_simulator::{Behaviour, Journal, Ledger, Simulator, router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

static VERSION: LazyLock<String> = LazyLock::new(|| chassis::version!().to_string());

/// A payout provider that can be told to fail at each step.
#[derive(Parser)]
#[command(name = "simulator", version = VERSION.as_str())]
struct Arguments {
    /// Where to listen.
    #[arg(long, env = "SIMULATOR_ADDRESS", default_value = "127.0.0.1:8010")]
    listen: SocketAddr,
    /// A file that keeps the ledger over a restart. Absent: it is in memory only.
    #[arg(long = "books", env = "SIMULATOR_BOOKS")]
    ledger: Option<PathBuf>,
    /// Payouts that the ledger can hold; about 500 bytes each.
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
        let answer = chassis::http::probe(arguments.listen, "/health");
        return answer.map(drop).map_err(anyhow::Error::msg);
    }
    tracing_subscriber::fmt().json().init();
    let mut ledger = Ledger::new(arguments.capacity);
    let journal = match &arguments.ledger {
        Some(path) => Some(Journal::open(path, &mut ledger)?),
        None => None,
    };
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}: is the port in use?", arguments.listen))?;
    tracing::info!(address = %arguments.listen, "payout provider simulator is ready");
    let app = router(Simulator::new(arguments.behaviour, ledger, journal));
    let mut terminate = signal(SignalKind::terminate())?;
    // A hanging request must not hold up the end, so nothing is waited for.
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served?,
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
