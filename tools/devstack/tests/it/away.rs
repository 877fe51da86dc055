//! Services that start while the broker is away.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use devstack::stack::Pulsar;
use reqwest::StatusCode;
use schemas::Service;
use serde_json::Value;

use crate::traffic::Shop;

async fn get(url: String, token: &str) -> (StatusCode, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_start_while_the_broker_is_away_serve_and_go_on_when_it_comes() {
    let mut stack = LocalStack::start_with_broker(Mode::Event, &[])
        .await
        .unwrap();
    stack.load_demo().await.unwrap();
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "away", vec![bff.clone()]);
    let before = shop.buy().await;
    shop.wait_for(&[before]).await;

    assert!(Pulsar::stop_in(&stack.layout().state.join("pulsar")));
    // Each waits until it is ready.
    for program in Program::START_ORDER {
        stack.restart(program).await.unwrap();
    }
    for service in Service::ALL {
        let (status, ready) = get(format!("{}/ready", stack.url(service).unwrap()), "").await;
        assert_eq!(status, StatusCode::OK, "{service}: {ready}");
        if service.followed_topics().next().is_none() {
            continue;
        }
        let checks = ready["checks"].as_array().unwrap();
        let waits = checks.iter().find(|check| {
            let name = check["name"].as_str().unwrap();
            let detail = check["detail"].as_str().unwrap_or_default();
            name.starts_with("subscription ") && detail.starts_with("waits since ")
        });
        assert!(waits.is_some(), "{service}: {ready}");
    }
    let token = stack.token(&["--role", "operator"]).unwrap();
    let (status, balances) = get(format!("{bff}/api/v1/balances"), &token).await;
    assert_eq!(status, StatusCode::OK, "{balances}");
    let meanwhile = shop.buy().await;

    stack.switch(Mode::Event).await.unwrap();
    let after = shop.buy().await;
    let all = [before, meanwhile, after];
    shop.wait_for(&all).await;
    shop.assert_once(&all).await;
}
