//! What one client takes, others do not lack.

use chassis::auth::{Anonymous, Claims, Role};
use chassis::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{AUDIENCE, App, ISSUER, partner_token, secret_verifier, token};

const FEW: usize = 8;

fn small() -> Limits {
    Limits {
        max_in_flight: FEW,
        ..Limits::default()
    }
}

async fn small_app() -> App {
    App::with(secret_verifier(Anonymous::Refused), small(), true).await
}

fn token_of(subject: &str) -> String {
    token(&Claims::new(subject, ISSUER, AUDIENCE, 600).partner("partner123"))
}

/// A request whose body is begun and does not go on.
async fn begun(app: &App, token: &str, length: &str) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /campaigns/c/pay HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{length}\r\n\
         authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"1\r\n{").await.unwrap();
    stream
}

/// All that comes until the connection is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {}
    String::from_utf8_lossy(&text).into_owned()
}

async fn pays(app: &App, token: &str) -> u16 {
    let body = r#"{"amount": "1.00", "currency": "USD"}"#;
    let request = app.client.post(format!("{}/campaigns/c/pay", app.url));
    let request = request.header("content-type", "application/json");
    let answer = request.bearer_auth(token).body(body).send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn bodies_that_do_not_come_keep_nobody_out() {
    let app = small_app().await;
    for length in ["content-length: 60000", "transfer-encoding: chunked"] {
        let mut slow = Vec::new();
        for _ in 0..3 * FEW {
            slow.push(begun(&app, &partner_token(), length).await);
        }
        assert_eq!(pays(&app, &token_of("another")).await, 201, "{length}");
        assert_eq!(pays(&app, &token_of("user123")).await, 201, "{length}");
    }
}

#[tokio::test]
async fn beyond_a_subjects_share_its_own_oldest_body_is_ended() {
    let limits = Limits {
        max_pending_bodies: FEW,
        ..Limits::default()
    };
    let app = App::with(secret_verifier(Anonymous::Refused), limits, true).await;
    let length = "content-length: 60000";
    let mut others = begun(&app, &token_of("another"), length).await;
    let mut first = begun(&app, &partner_token(), length).await;
    let mut later = Vec::new();
    for _ in 0..FEW / 4 {
        later.push(begun(&app, &partner_token(), length).await);
    }
    let answered = rest(&mut first).await;
    assert!(answered.starts_with("HTTP/1.1 503"), "{answered}");
    assert!(answered.contains("\r\nretry-after: 1\r\n"), "{answered}");
    let body = r#"{"amount": "1.00", "currency": "USD"}"#;
    let rest_of_it = format!("{body:>width$}", width = 60_000 - 4);
    // The older one of somebody else goes on: what it began with is no object.
    others.write_all(rest_of_it.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    others.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 422");
}

#[tokio::test]
async fn a_stranger_is_refused_before_it_is_asked_to_go_on_with_its_body() {
    let app = App::start().await;
    let line = |token: Option<String>| {
        let shown = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let head = format!(
            "POST /campaigns/c/pay HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: 60000\r\nexpect: 100-continue\r\n{}\r\n",
            shown.unwrap_or_default()
        );
        let address = app.url.strip_prefix("http://").unwrap();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut start = [0; 12];
            stream.read_exact(&mut start).await.unwrap();
            String::from_utf8_lossy(&start[9..]).into_owned()
        }
    };
    assert_eq!(line(None).await, "401");
    assert_eq!(line(Some("guessed".to_owned())).await, "401");
    assert_eq!(line(Some(partner_token())).await, "100");
}

#[tokio::test]
async fn whoever_asks_much_at_once_on_one_connection_is_answered_one_by_one() {
    let app = small_app().await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let count = 4 * FEW;
    let request = "GET /context HTTP/1.1\r\nhost: a\r\n\r\n".repeat(count);
    stream.write_all(request.as_bytes()).await.unwrap();
    let last = "GET /context HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(last.as_bytes()).await.unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), count + 1);
}

#[tokio::test]
async fn one_subjects_requests_take_no_more_than_its_share_of_the_slots() {
    let app = small_app().await;
    let ask = |token: String| {
        let request = app.get("/never").bearer_auth(token).send();
        #[allow(clippy::disallowed_methods, reason = "the test ends it")]
        tokio::spawn(request)
    };
    let waiting: Vec<_> = (0..FEW).map(|_| ask(partner_token())).collect();
    let (done, _, waiting) = futures::future::select_all(waiting).await;
    assert_eq!(
        done.unwrap().unwrap().status(),
        503,
        "a quarter of them is a share"
    );
    assert_eq!(pays(&app, &token_of("another")).await, 201);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_partner_and_a_brand_of_one_subject_have_a_share_each() {
    let app = small_app().await;
    let ask = |token: String| {
        let request = app.get("/never").bearer_auth(token).send();
        #[allow(clippy::disallowed_methods, reason = "the test ends it")]
        tokio::spawn(request)
    };
    let brand = Claims::new("user123", ISSUER, AUDIENCE, 600).brand("brand123");
    let brand = token(&brand);
    let waiting: Vec<_> = (0..FEW).map(|_| ask(brand.clone())).collect();
    let (done, _, waiting) = futures::future::select_all(waiting).await;
    assert_eq!(done.unwrap().unwrap().status(), 503, "the brand's share");
    assert_eq!(pays(&app, &partner_token()).await, 201, "the partner's");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn many_keys_of_one_brand_take_no_more_than_its_share_of_the_slots() {
    // As behind a proxy: there is no address to count.
    let app = App::behind_proxy(small()).await;
    let ask = |subject: usize| {
        let key = Claims::new(&format!("key{subject}"), ISSUER, AUDIENCE, 600).brand("brand123");
        let request = app.get("/never").bearer_auth(token(&key)).send();
        #[allow(clippy::disallowed_methods, reason = "the test ends it")]
        tokio::spawn(request)
    };
    let waiting: Vec<_> = (0..FEW).map(ask).collect();
    let (done, _, waiting) = futures::future::select_all(waiting).await;
    assert_eq!(
        done.unwrap().unwrap().status(),
        503,
        "half of them is a share"
    );
    assert_eq!(pays(&app, &partner_token()).await, 201, "somebody else's");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_operators_body_may_be_as_long_as_anybodys() {
    let limits = Limits {
        body_bytes: 2 * 1024 * 1024,
        ..Limits::default()
    };
    let app = App::with(secret_verifier(Anonymous::Refused), limits, true).await;
    let operator = Claims::new("o", ISSUER, AUDIENCE, 600).role(Role::Operator);
    let long = " ".repeat(3 * 1024 * 1024 / 2) + "{}";
    for who in [
        operator,
        Claims::new("user123", ISSUER, AUDIENCE, 600).partner("partner123"),
    ] {
        let request = app.client.post(format!("{}/campaigns/c/end", app.url));
        let request = request.header("content-type", "application/json");
        let answer = request
            .bearer_auth(token(&who))
            .body(long.clone())
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 204, "{}", who.sub);
    }
}

#[tokio::test]
async fn one_address_has_its_share_of_the_connections_unless_it_is_a_trusted_proxy() {
    for (proxies, is_closed) in [("", true), ("127.0.0.0/8", false)] {
        let app = App::of_few_connections(4, proxies).await;
        let address = app.url.strip_prefix("http://").unwrap();
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(TcpStream::connect(address).await.unwrap());
        }
        let third = held.last_mut().unwrap();
        let request = b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let _closed_by_now = third.write_all(request).await;
        assert_eq!(rest(third).await.is_empty(), is_closed, "{proxies}");
    }
}

#[tokio::test]
async fn groups_of_routes_do_not_take_each_others_slots() {
    use axum::Router;
    use axum::routing::get;
    use chassis::http::{Groups, Probes, ServerConfig, Shell};

    let limits = Limits {
        max_in_flight: 1,
        ..Limits::default()
    };
    let group = |path: &str| {
        let never = || std::future::pending::<&str>();
        Router::new()
            .route(&format!("/{path}/wait"), get(never))
            .route(&format!("/{path}"), get(|| async { "" }))
    };
    let shell = Shell::new(Probes::new("payment"), limits);
    let routes = shell.wrap_groups(Groups {
        own: group("own"),
        edge: group("edge"),
        transport: group("transport"),
    });
    let config = ServerConfig::at("127.0.0.1:0".parse().unwrap());
    let app = App::of(routes, config).await;
    let waiting = app.get("/own/wait").send();
    #[allow(clippy::disallowed_methods, reason = "the test ends it")]
    let waiting = tokio::spawn(waiting);
    while app.get("/own").send().await.unwrap().status() == 200 {}
    for path in ["/edge", "/transport", "/health"] {
        assert_eq!(app.get(path).send().await.unwrap().status(), 200, "{path}");
    }
    waiting.abort();
}
