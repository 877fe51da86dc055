//! What is sent, where nothing is, and what is read of an answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);

fn outgoing(url: &str) -> Outgoing<'_> {
    Outgoing {
        url,
        event: Some(Signed {
            id: "msg",
            timestamp: 1,
            signatures: "v1,c2lnbmF0dXJl".to_owned(),
            body: "{}".to_owned(),
        }),
    }
}

/// A receiver that answers every request so, and how many there were.
async fn receiver(answer: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    #[allow(clippy::disallowed_methods, reason = "it ends with its test")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = vec![0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, requests)
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (elsewhere, followed) =
        receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (port, requests) = receiver(answer).await;
    let receivers = Receivers::new(TIMEOUT, true).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let answered = receivers.send(outgoing(&url)).await.unwrap();
    assert_eq!(answered.status, 307);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    assert_eq!(followed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_kept() {
    let body = "a\u{0}b\u{1b}".repeat(200_000);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (port, _) = receiver(answer).await;
    let receivers = Receivers::new(TIMEOUT, true).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let answered = receivers.send(outgoing(&url)).await.unwrap();
    assert_eq!((answered.status, answered.retry_after), (503, Some(7)));
    assert_eq!(answered.answer, "ab".repeat(MAX_KEPT / 4));
}

#[tokio::test]
async fn this_machine_is_reached_on_a_developers_machine_alone() {
    let (port, requests) =
        receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let receivers = Receivers::new(TIMEOUT, false).unwrap();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
    ] {
        assert!(receivers.send(outgoing(&url)).await.is_err(), "{url}");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0);
    let local = Receivers::new(TIMEOUT, true).unwrap();
    let url = format!("http://localhost:{port}/");
    assert_eq!(
        local.send(outgoing(&url)).await.map(|it| it.status),
        Ok(200)
    );
}

#[tokio::test]
async fn a_name_that_has_another_address_a_moment_later_leads_nowhere() {
    let (port, requests) =
        receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let looked_up = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looked_up);
    // First an address of the internet that nobody answers at, then this machine's.
    let rebinding: Lookup = Arc::new(move |_| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first { "192.31.196.1" } else { "127.0.0.1" };
        Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
    });
    let receivers = Receivers::with(Duration::from_millis(300), false, rebinding).unwrap();
    let url = format!("https://hooks.example.com:{port}/");
    let first = receivers.send(outgoing(&url)).await.unwrap_err();
    assert_ne!(first, Refused.to_string());
    let second = receivers.send(outgoing(&url)).await.unwrap_err();
    assert_eq!(second, Refused.to_string());
    assert_eq!(looked_up.load(Ordering::SeqCst), 2);
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_with_one_address_of_this_network_among_others_leads_nowhere() {
    let mixed: Lookup = Arc::new(|_| {
        let addresses = ["1.1.1.1", "10.0.0.1"];
        Box::pin(async move { Ok(addresses.map(|it| it.parse().unwrap()).to_vec()) })
    });
    let receivers = Receivers::with(TIMEOUT, true, mixed).unwrap();
    let error = receivers.send(outgoing("https://hooks.example.com/")).await;
    assert_eq!(error, Err(Refused.to_string()));
}

#[test]
fn a_receiver_says_when_it_wants_to_be_tried_again_in_seconds_or_as_a_moment() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
    assert_eq!(after("120", now), Some(120));
    assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(0));
    assert_eq!(after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(60));
    // As old servers write it.
    assert_eq!(after("Sunday, 06-Nov-94 08:50:37 GMT", now), Some(60));
    assert_eq!(after("Sun Nov  6 08:50:37 1994", now), Some(60));
    // Part of a second is one: it is not tried before.
    assert_eq!(
        after(
            "Sun, 06 Nov 1994 08:49:38 GMT",
            now + Duration::from_millis(500)
        ),
        Some(1)
    );
    // It wants nothing any more, and is tried when it would be anyway.
    assert_eq!(after("Sat, 05 Nov 1994 08:49:37 GMT", now), Some(0));
    for nothing in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:50:37 CET"] {
        assert_eq!(after(nothing, now), None, "{nothing}");
    }
}

#[test]
fn names_whose_lookup_hangs_leave_blocking_threads_to_others() {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_LOOKUPS + 1)
        .build()
        .unwrap();
    let hangs = |_: &str| -> std::io::Result<Vec<IpAddr>> {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        loop {
            std::thread::park();
        }
    };
    let other = runtime.block_on(async {
        let receivers = Receivers::with(Duration::from_millis(300), false, bounded(hangs)).unwrap();
        let mut attempts = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let receivers = receivers.clone();
            attempts.spawn(async move { receivers.send(outgoing("https://hangs.test/")).await });
        }
        while let Some(attempt) = attempts.join_next().await {
            assert!(attempt.unwrap().is_err());
        }
        let other = tokio::task::spawn_blocking(|| ());
        tokio::time::timeout(Duration::from_secs(30), other).await
    });
    // What hangs would keep the runtime from being dropped.
    runtime.shutdown_background();
    assert!(other.is_ok(), "no blocking thread is left");
    assert!(BEGUN.load(Ordering::SeqCst) <= MAX_LOOKUPS);
}
