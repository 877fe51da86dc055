//! Who listens, and how: to a part, to what does not happen, and more slowly than things happen.

use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::{LocalStack, UNLIMITED};
use devstack::settings::Mode;
use futures::{StreamExt, stream};
use schemas::Service;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::{Client, at_its_place, settle};
use crate::traffic::{PATIENCE, Shop};

/// Purchases, of three events each: more than the bff's ring keeps and what lies on the way to who does not read.
const MANY: usize = 2_500;
const ANSWERED: &[u8] = b"\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_subject_or_a_request_that_alone_is_heard_and_who_hears_nothing_is_told_where_it_is() {
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    settle(&stack).await;
    let token = stack.token(&["--role", "operator"]).unwrap();
    let mut all = Client::new(&stack, token.clone(), "");
    let mut answer = at_its_place(&mut all).await;
    let before = all.cursor.clone().unwrap();
    let mut unheard = Client::new(&stack, token.clone(), "?type=payout.failed.v1");
    let mut quiet = at_its_place(&mut unheard).await;
    let place = unheard.cursor.clone();

    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "narrowed", vec![bff]);
    let requests = [shop.buy().await, shop.buy().await];
    all.listen(&mut answer, 6, PATIENCE).await;
    assert_eq!(all.heard.len(), 6, "{:?}", all.heard);
    let of = |name: &str, value: &str| -> Vec<&str> {
        let events = all.heard.iter().filter(|event| event[name] == value);
        events.map(|event| event["id"].as_str().unwrap()).collect()
    };
    let conversion = all
        .heard
        .iter()
        .find(|it| it["type"] == "conversion.attributed.v1");
    let subject = conversion.unwrap()["subject"].as_str().unwrap();
    let request = requests[1].to_string();
    for (name, value, count) in [("subject", subject, 2), ("correlation_id", &request, 3)] {
        let query = format!("?{name}={value}&after={before}");
        let mut client = Client::new(&stack, token.clone(), &query);
        let mut answer = client.connect().await;
        client.listen(&mut answer, count, PATIENCE).await;
        // And nothing more comes.
        client.listen(&mut answer, 1, Duration::from_secs(1)).await;
        assert_eq!(client.ids(), of(name, value), "{name}");
        assert_eq!(client.heard.len(), count, "{name}");
    }

    let end = Instant::now() + PATIENCE;
    while unheard.cursor == place {
        let bytes = quiet.chunk().await.unwrap().unwrap();
        unheard.take(std::str::from_utf8(&bytes).unwrap(), 1);
        assert!(Instant::now() < end, "it is not told where it is");
    }
    assert_eq!(unheard.heard, [] as [Value; 0]);
    // Behind that place there is none of what it was not told of.
    let mut behind = Client::new(&stack, token, "");
    behind.cursor = unheard.cursor;
    let mut answer = behind.connect().await;
    behind.listen(&mut answer, 1, Duration::from_secs(1)).await;
    assert_eq!(behind.heard, [] as [Value; 0]);
}

/// Connects behind its cursor, takes the head of the answer, and nothing else.
async fn connect_and_wait(client: &Client, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let (token, cursor) = (&client.token, client.cursor.as_ref().unwrap());
    let head = format!(
        "GET /api/v1/events/stream HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nlast-event-id: {cursor}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answered = Vec::new();
    while !answered.ends_with(ANSWERED) {
        answered.push(stream.read_u8().await.unwrap());
    }
    assert!(answered.starts_with(b"HTTP/1.0 200"));
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_more_slowly_than_things_happen_is_cut_and_lacks_nothing_when_it_comes_back() {
    let stack = LocalStack::start_with(Mode::Event, &UNLIMITED)
        .await
        .unwrap();
    stack.load_demo().await.unwrap();
    settle(&stack).await;
    let token = stack.token(&["--role", "operator"]).unwrap();
    let mut fast = Client::new(&stack, token.clone(), "");
    let mut answer = at_its_place(&mut fast).await;
    let mut slow = Client::new(&stack, token, "");
    slow.cursor.clone_from(&fast.cursor);
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let mut waiting = connect_and_wait(&slow, bff.strip_prefix("http://").unwrap()).await;

    let shop = Shop::new(&stack, "slow", vec![bff]);
    let buying = stream::iter(0..MANY).for_each_concurrent(64, async |_| {
        shop.buy().await;
    });
    tokio::join!(buying, fast.listen(&mut answer, 3 * MANY, PATIENCE));
    assert_eq!(fast.heard.len(), 3 * MANY);

    // What it had not taken is kept for nobody: its stream ends before what happened does.
    let mut kept = Vec::new();
    waiting.read_to_end(&mut kept).await.unwrap();
    slow.take(std::str::from_utf8(&kept).unwrap(), usize::MAX);
    let (had, all) = (slow.heard.len(), 3 * MANY);
    assert!((1..all).contains(&had), "{had} of {all} were kept for it");
    let mut answer = slow.connect().await;
    slow.listen(&mut answer, all - had, PATIENCE).await;
    let sorted = |client: &Client| {
        let mut ids: Vec<String> = client.ids().into_iter().map(ToOwned::to_owned).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(&slow), sorted(&fast), "each once");
}
