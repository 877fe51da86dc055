//! Who listens to a part, and to what does not happen.

use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use schemas::Service;
use serde_json::Value;
use tokio::time::Instant;

use super::{Client, at_its_place, settle};
use crate::traffic::{PATIENCE, Shop};

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
