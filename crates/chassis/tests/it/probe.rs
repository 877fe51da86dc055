//! A container's question to itself.

use std::net::SocketAddr;

use chassis::auth::Anonymous;
use chassis::http::{Limits, probe};

use crate::app::{App, secret_verifier};

/// The same, off the threads that the application answers with.
async fn probed(address: SocketAddr, path: &'static str) -> Result<String, String> {
    tokio::task::spawn_blocking(move || probe(address, path))
        .await
        .unwrap()
}

fn address(app: &App) -> SocketAddr {
    app.url.strip_prefix("http://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_is_well_says_so_and_who_is_not_says_why() {
    let app = App::start().await;
    let health = probed(address(&app), "/health").await.unwrap();
    assert!(health.contains("payment"), "{health}");
    let unready = App::with(
        secret_verifier(Anonymous::Refused),
        Limits::default(),
        false,
    )
    .await;
    let why = probed(address(&unready), "/ready").await.unwrap_err();
    assert!(
        why.contains("503") && why.contains("start Postgres"),
        "{why}"
    );
}

#[tokio::test]
async fn who_listens_on_every_interface_is_asked_on_loopback() {
    let app = App::start().await;
    let everywhere = SocketAddr::from(([0, 0, 0, 0], address(&app).port()));
    let health = probed(everywhere, "/health").await;
    assert!(health.is_ok(), "{health:?}");
}

#[tokio::test]
async fn where_nobody_listens_the_address_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let why = probed(address, "/health").await.unwrap_err();
    assert!(why.contains(&address.to_string()), "{why}");
}
