//! Clients that take their time, and clients that say too much before they are known.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::auth::Anonymous;
use chassis::http::{Limits, Probes, ServerConfig, Shell};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::app::{App, partner_token, secret_verifier};

/// Longer than any test takes: what is not over by then hangs.
const PATIENCE: Duration = Duration::from_secs(30);

async fn open(app: &App) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// All that comes until the connection is closed, in whichever way.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let reading = async { while stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {} };
    let read = tokio::time::timeout(PATIENCE, reading).await;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(read.is_ok(), "the connection is still open after: {text}");
    text
}

fn impatient() -> Limits {
    Limits {
        request_timeout: Duration::from_secs(1),
        ..Limits::default()
    }
}

async fn impatient_app() -> App {
    let verifier = secret_verifier(Anonymous::Refused);
    App::impatient(verifier, impatient(), Duration::from_secs(1)).await
}

#[tokio::test]
async fn whoever_says_nothing_or_half_a_head_is_closed_on() {
    let app = impatient_app().await;
    assert_eq!(rest(open(&app).await).await, "");
    let mut half = open(&app).await;
    half.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await
        .unwrap();
    rest(half).await;
}

#[tokio::test]
async fn whoever_keeps_a_connection_and_asks_no_more_is_closed_on() {
    let app = impatient_app().await;
    let mut kept = open(&app).await;
    kept.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let answered = rest(kept).await;
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
}

#[tokio::test]
async fn a_proxy_may_keep_a_connection_that_it_does_not_use_for_longer() {
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let short = Duration::from_secs(1);
    let behind = App::behind_patient_proxy(impatient(), short).await;
    let direct = impatient_app().await;
    let mut proxy = open(&behind).await;
    let mut client = open(&direct).await;
    for stream in [&mut proxy, &mut client] {
        stream.write_all(request).await.unwrap();
    }
    rest(client).await;
    // Closed by us, and not before.
    let last = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    proxy.write_all(last).await.unwrap();
    let answered = rest(proxy).await;
    assert_eq!(answered.matches("HTTP/1.1 200").count(), 2, "{answered}");
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_request() {
    let app = impatient_app().await;
    let mut slow = open(&app).await;
    let head = format!(
        "POST /campaigns/c/end HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         authorization: Bearer {}\r\n\r\n{{",
        partner_token()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let answered = rest(slow).await;
    assert!(answered.starts_with("HTTP/1.1 408"), "{answered}");
}

/// Sends a head that announces so many bytes, and waits for an answer that it does not read yet.
async fn answered_early(app: &App, path: &str, bytes: usize) -> TcpStream {
    let mut stream = open(app).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n\
         content-length: {bytes}\r\n\r\n",
        partner_token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answered = tokio::time::timeout(PATIENCE, stream.peek(&mut [0; 12])).await;
    assert_eq!(answered.unwrap().unwrap(), 12);
    stream
}

#[tokio::test]
async fn whoever_sends_a_body_that_nobody_reads_gets_its_answer() {
    let app = App::start().await;
    let piece = vec![b' '; 100_000];
    for (path, status) in [("/campaigns/c/pay", "413"), ("/nowhere", "413")] {
        let mut sender = answered_early(&app, path, 8 * piece.len()).await;
        for _ in 0..8 {
            sender.write_all(&piece).await.unwrap();
        }
        sender.shutdown().await.unwrap();
        let answered = rest(sender).await;
        assert!(
            answered.starts_with(&format!("HTTP/1.1 {status}")),
            "{answered}"
        );
    }
}

#[tokio::test]
async fn whoever_sends_without_end_what_nobody_reads_is_closed_on() {
    let app = App::start().await;
    let mut sender = answered_early(&app, "/campaigns/c/pay", usize::MAX / 2).await;
    let piece = vec![b' '; 100_000];
    let sending = async { while sender.write_all(&piece).await.is_ok() {} };
    assert!(tokio::time::timeout(PATIENCE, sending).await.is_ok());
}

#[tokio::test]
async fn whoever_shows_no_token_is_answered_before_its_body_is_read() {
    let app = App::start().await;
    let mut stranger = open(&app).await;
    let head = "POST /campaigns/c/pay HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 60000\r\nconnection: close\r\n\r\n";
    stranger.write_all(head.as_bytes()).await.unwrap();
    let answered = rest(stranger).await;
    assert!(answered.starts_with("HTTP/1.1 401"), "{answered}");
}

#[tokio::test]
async fn a_head_longer_than_the_limit_is_431_and_lengths_that_disagree_are_400() {
    let app = App::start().await;
    let long = format!(
        "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: {}\r\n\r\n",
        "a".repeat(70_000)
    );
    let two = "POST /campaigns/c/end HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}";
    let both = "POST /campaigns/c/end HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\ntransfer-encoding: gzip\r\n\r\n{}";
    let obsolete =
        "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: b\r\n folded\r\n\r\n";
    for (request, status) in [
        (long.as_str(), "431"),
        (two, "400"),
        (both, "400"),
        (obsolete, "400"),
    ] {
        let mut stream = open(&app).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answered = rest(stream).await;
        let reported = answered.split(' ').nth(1).unwrap_or("closed").to_owned();
        assert_eq!(reported, status, "{}", &request[..60]);
    }
}

/// Whoever asks again and again and reads none of it fills the buffers on both sides, and then time runs.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn whoever_does_not_read_is_closed_on() {
    let app = impatient_app().await;
    let mut deaf = open(&app).await;
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let requesting = async { while deaf.write_all(&request).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, requesting)
        .await
        .expect("the connection is closed");
}

const LONG: usize = 1 << 20;

/// What answers at length, of which four are on their way at once.
async fn long_answers() -> App {
    let limits = Limits {
        body_bytes: 4 * LONG / Limits::default().max_pending_bodies,
        ..Limits::default()
    };
    let long = Router::new().route("/long", get(async || "a".repeat(LONG)));
    let router = Shell::new(Probes::new("payment"), limits)
        .verifier(Arc::new(secret_verifier(Anonymous::Refused)))
        .wrap(long);
    App::of(router, ServerConfig::at("127.0.0.1:0".parse().unwrap())).await
}

/// Whoever requests the long answer, and has read none of it yet.
async fn waits_to_read(app: &App, token: Option<&str>) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let head = format!(
        "GET /long HTTP/1.1\r\nhost: x\r\n{}connection: close\r\n\r\n",
        token.unwrap_or_default()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answered = tokio::time::timeout(PATIENCE, stream.peek(&mut [0; 12])).await;
    assert_eq!(answered.unwrap().unwrap(), 12);
    stream
}

async fn body_length(stream: TcpStream) -> usize {
    let answered = rest(stream).await;
    let (head, body) = answered.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {LONG}")), "{head}");
    body.len()
}

#[tokio::test]
async fn the_oldest_of_long_answers_that_nobody_reads_makes_room_for_the_next() {
    let app = long_answers().await;
    let token = partner_token();
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(waits_to_read(&app, Some(&token)).await);
    }
    let mut lengths = Vec::new();
    for reader in readers {
        lengths.push(body_length(reader).await);
    }
    assert!(lengths[0] < LONG, "{lengths:?}");
    assert_eq!(lengths[1..], [LONG; 4]);
    // What was read has left its room.
    let mut readers = Vec::new();
    for _ in 0..4 {
        readers.push(waits_to_read(&app, Some(&token)).await);
    }
    for reader in readers {
        assert_eq!(body_length(reader).await, LONG);
    }
}

/// What is for everybody is in memory once; nor do they take the room of those who are known.
#[tokio::test]
async fn strangers_end_no_answers() {
    let app = long_answers().await;
    let known = waits_to_read(&app, Some(&partner_token())).await;
    let mut strangers = Vec::new();
    for _ in 0..5 {
        strangers.push(waits_to_read(&app, None).await);
    }
    for reader in strangers.into_iter().chain([known]) {
        assert_eq!(body_length(reader).await, LONG);
    }
}

#[tokio::test]
async fn a_body_in_a_coding_is_not_decoded() {
    let app = App::start().await;
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let request = app
            .post("/campaigns/c/end")
            .header("content-type", "application/json")
            .header("content-encoding", coding);
        let answered = request.body("{}").send().await.unwrap();
        assert_eq!(answered.status(), 415, "{coding}");
    }
}

/// What a proxy in front and we could understand differently.
#[tokio::test]
async fn a_request_whose_host_or_framing_is_ambiguous_is_400_and_its_connection_is_closed() {
    let app = App::start().await;
    for (head, named) in [
        ("", "Host"),
        ("host: a\r\nhost: b\r\n", "Host"),
        ("host:\r\n", "Host"),
        ("host: a/b\r\n", "Host"),
        (
            "host: a\r\ntransfer-encoding: chunked, chunked\r\n",
            "Transfer-Encoding",
        ),
        (
            "host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "Transfer-Encoding",
        ),
    ] {
        let mut stream = open(&app).await;
        let request = format!("GET /health HTTP/1.1\r\n{head}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answered = rest(stream).await;
        assert!(answered.starts_with("HTTP/1.1 400"), "{head} {answered}");
        let named = format!(r#""parameter":"{named}""#);
        assert!(answered.contains(&named), "{head} {answered}");
    }
    // One that has a length and is chunked ends at either.
    let mut both = open(&app).await;
    let head = "GET /health HTTP/1.1\r\nhost: x\r\n";
    let request =
        format!("{head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{head}\r\n");
    both.write_all(request.as_bytes()).await.unwrap();
    let answered = rest(both).await;
    assert_eq!(answered.matches("HTTP/1.1 ").count(), 1, "{answered}");
    let mut old = open(&app).await;
    old.write_all(b"GET /health HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(old).await.starts_with("HTTP/1.0 200"));
}
