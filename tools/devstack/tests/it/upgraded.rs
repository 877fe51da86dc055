//! Data of before goes on under settings of now.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use devstack::stack::Pulsar;
use schemas::Service;

use crate::traffic::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_whose_broker_asked_nobody_goes_on_with_its_data_when_it_asks_for_tokens() {
    let stack = LocalStack::start_with_broker(Mode::Event, &[("BROKER_AUTH", "none")]).await;
    let mut stack = stack.unwrap();
    assert!(stack.settings().broker_tokens().unwrap().is_none());
    stack.load_demo().await.unwrap();
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "upgraded", vec![bff]);
    let handled = shop.buy().await;
    shop.wait_for(&[handled]).await;
    // What lies at the broker was published by who had no token.
    Program::Service(Service::Payment).stop(stack.layout());
    let lying = shop.buy().await;

    for program in Program::START_ORDER.into_iter().rev() {
        program.stop(stack.layout());
    }
    assert!(Pulsar::stop_in(&stack.layout().state.join("pulsar")));
    stack.settings_mut().set("BROKER_AUTH", "token");
    stack.switch(Mode::Event).await.unwrap();
    assert!(stack.settings().broker_tokens().unwrap().is_some());
    let after = shop.buy().await;
    let all = [handled, lying, after];
    shop.wait_for(&all).await;
    shop.assert_once(&all).await;
}
