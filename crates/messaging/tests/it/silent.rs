//! A database's host that dies without a word.

use std::sync::Arc;
use std::time::Duration;

use messaging::clock::{self, Looked};
use runtime::testing::until;
use sqlx::PgPool;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::lab::Lab;

/// What stands between a process and its database: while `silent`, what it carries already goes no further, and what is new does.
async fn way(listener: TcpListener, database: (String, u16), silent: watch::Receiver<bool>) {
    let mut carried = JoinSet::new();
    loop {
        let (mut inner, _) = listener.accept().await.unwrap();
        let mut outer = TcpStream::connect(&database).await.unwrap();
        let mut silent = silent.clone();
        silent.borrow_and_update();
        carried.spawn(async move {
            tokio::select! {
                _ = copy_bidirectional(&mut inner, &mut outer) => {}
                _ = silent.changed() => std::future::pending().await,
            }
        });
    }
}

#[tokio::test]
async fn a_process_whose_connections_are_dead_and_do_not_tell_stops_when_another_is_answered() {
    let lab = Lab::new().await;
    let options = (*lab.pool.connect_options()).clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let database = (options.get_host().to_owned(), options.get_port());
    let (silence, silent) = watch::channel(false);
    let mut ways = JoinSet::new();
    ways.spawn(way(listener, database, silent));
    let pool = PgPool::connect_with(options.host("127.0.0.1").port(port))
        .await
        .unwrap();
    let looked = Arc::new(watch::Sender::<Looked>::default());
    let known = looked.subscribe();
    let committed = Arc::new(watch::Sender::new(0));
    let stop = CancellationToken::new();
    let watching = clock::watch_head(pool, lab.writer.clone(), committed, looked, stop.clone());
    let dying = async {
        until("it has looked", || async {
            known.borrow().now_at_least().is_some()
        })
        .await;
        silence.send_replace(true);
    };
    let ended = Box::pin(tokio::time::timeout(Duration::from_mins(1), async {
        tokio::join!(watching, dying)
    }));
    assert!(ended.await.is_ok(), "it goes on");
    assert!(!stop.is_cancelled(), "it ended by itself");
}
